"""The shapes of requests and answers of the decision and event API."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, WithJsonSchema

from bandit.events import MAX_BATCH

MAX_ITEMS = 100
MAX_FEATURE_NAME = 64
MIN_SIDE, MAX_SIDE = 32, 2048
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Text that PostgreSQL and UTF-8 can hold."""
    if _UNSTORABLE.search(text):
        raise ValueError("must not hold a NUL character or half a surrogate pair")
    return text


def named(features: Any) -> Any:
    """Features with names and texts that can be stored; what their values may be is for the encoding to say."""
    if isinstance(features, dict):
        for name, value in features.items():
            if not 1 <= len(name) <= MAX_FEATURE_NAME:
                raise ValueError(f"a feature's name has 1 to {MAX_FEATURE_NAME} characters, not {len(name)}")
            storable(name)
            if isinstance(value, str):
                storable(value)
    return features


def cents(value: Decimal) -> Decimal:
    """An amount in hundredths."""
    return value.quantize(Decimal("0.01"))


Text = Annotated[str, AfterValidator(storable)]
Feature = Annotated[Any, WithJsonSchema({"type": ["number", "string", "boolean", "null"]})]
Features = Annotated[dict[str, Feature], BeforeValidator(named)]
Side = Annotated[int, Field(strict=True, ge=MIN_SIDE, le=MAX_SIDE)]


class UserIn(Schema):
    id: Annotated[Text, Field(min_length=1, max_length=200)]
    features: Features = {}


class PlacementIn(Schema):
    id: Annotated[Text, Field(min_length=1, max_length=60)]
    width: Side
    height: Side
    features: Features = {}


class ItemIn(Schema):
    merchant: Annotated[Text, Field(max_length=50)]
    id: Annotated[Text, Field(max_length=100)]


class DecisionsIn(Schema):
    user: UserIn
    placement: PlacementIn
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=MAX_ITEMS)]


class PictureOut(Schema):
    url: str
    width: int | None
    height: int | None


class PromptOut(Schema):
    id: int
    version: int


class ExperimentOut(Schema):
    id: int
    arm: str


class ProblemOut(Schema):
    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


class DecisionOut(Schema):
    item: ItemIn
    decision_id: str
    variant: Literal["original", "positioned", "generated"]
    is_fallback: bool
    image: PictureOut | None
    prompt: PromptOut | None
    propensity: float
    policy_version: int
    experiment: ExperimentOut | None
    generation: Literal["ready", "queued", "in_review", "rejected", "failed", "not_needed"]
    token: str
    impression_url: str
    click_url: str
    expires_at: datetime


class ItemErrorOut(Schema):
    item: ItemIn
    error: ProblemOut


class DecisionsOut(Schema):
    decisions: list[DecisionOut | ItemErrorOut]


class EventIn(BaseModel):  # no Schema: a thousand of them are read at a time
    type: Literal["impression", "click", "conversion"]
    token: Annotated[Text, Field(max_length=4000)]
    event_id: Annotated[Text, Field(max_length=100)] = ""
    occurred_at: AwareDatetime | None = None
    value: (
        Annotated[Decimal, Field(allow_inf_nan=False, gt=-(10**12), lt=10**12), AfterValidator(cents)] | None
    ) = None


# Read one by one, so that what is wrong with one event does not refuse the others.
_BATCH_SCHEMA = {"type": "array", "maxItems": MAX_BATCH, "items": EventIn.model_json_schema()}
EventsIn = Annotated[
    dict[str, Any] | list[Any],
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "object", "required": ["events"], "properties": {"events": _BATCH_SCHEMA}},
                _BATCH_SCHEMA,
            ]
        }
    ),
]


class RejectedOut(Schema):
    index: int
    reason: str


class EventsOut(Schema):
    accepted: int
    duplicates: int
    rejected: list[RejectedOut]
