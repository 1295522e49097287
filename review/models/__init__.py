"""Who decided what and who is looking at what; second opinions, gold items, the desk's rules and saved views."""

from .checks import GoldCheck, GoldItem, SecondOpinion
from .rules import PromptTrust, ReviewRules, TrustEvent
from .trail import Claim, Decision, Reason, SavedView, Skip

__all__ = [
    "Claim",
    "Decision",
    "GoldCheck",
    "GoldItem",
    "PromptTrust",
    "Reason",
    "ReviewRules",
    "SavedView",
    "SecondOpinion",
    "Skip",
    "TrustEvent",
]
