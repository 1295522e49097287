"""The models of the app, by room."""

from .accounts import ApiKey, Membership, Merchant, Recommender, Role, User
from .audit import AuditEntry
from .catalog import Category, Product, ProductImage
from .comparisons import ComparisonEntry, ProfileComparison
from .delivery import WebhookDelivery
from .generation import Creative, CreativeRequest, OutboxEntry, PositionedRendition, Rendition
from .imports import CatalogImport, FeedMapping, FeedRun, FeedSource, ImportIssue, ImportMode
from .masks import ImageMask
from .placements import MerchantPlacement, Placement
from .prompts import Prompt, PromptVersion, PromptVeto
from .trials import PromptTrial

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CatalogImport",
    "Category",
    "ComparisonEntry",
    "Creative",
    "CreativeRequest",
    "FeedMapping",
    "FeedRun",
    "FeedSource",
    "ImageMask",
    "ImportIssue",
    "ImportMode",
    "Membership",
    "Merchant",
    "MerchantPlacement",
    "OutboxEntry",
    "Placement",
    "PositionedRendition",
    "Product",
    "ProductImage",
    "ProfileComparison",
    "Prompt",
    "PromptTrial",
    "PromptVersion",
    "PromptVeto",
    "Recommender",
    "Rendition",
    "Role",
    "User",
    "WebhookDelivery",
]
