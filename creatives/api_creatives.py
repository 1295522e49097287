"""The HTTP API of creatives: listing them, and asking for them ahead of traffic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from ninja import Path, Query, Router, Schema
from ninja import Status as Answered
from ninja.errors import HttpError
from pydantic import Field

from config.problems import problem
from creatives.api_auth import merchants_of
from creatives.models import ApiKey, Creative
from creatives.pipeline.buckets import LARGEST_SIDE
from creatives.selectors.creatives import (
    CreativeFilter,
    CreativePage,
    find_creative,
    items_of,
    list_creatives,
)
from creatives.services.ahead import AskError, ItemAnswer, Triplet, ask_ahead, slots_for
from creatives.services.files import public_url

router = Router(tags=["creatives"])

TEXT = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL in a text."""
MAX_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]

Status = Literal["in_review", "approved", "paused", "rejected", "retired"]
State = Literal["ready", "queued", "in_review", "rejected", "failed", "missing"]
PROBLEMS = {
    "unknown": (404, "Not found", "no such item for this key"),
    "no picture": (409, "Conflict", "the item has no picture to paint from yet"),
    "no prompts": (409, "Conflict", "none of the prompts apply to the item's category"),
}


class ItemRef(Schema):
    """A product, by its merchant's slug and the merchant's own id."""

    merchant: str = Field(max_length=50, pattern=TEXT)
    id: str = Field(max_length=100, pattern=TEXT)


class PromptRef(Schema):
    """A prompt and the version of its text."""

    id: int
    version: int


class SizeOut(Schema):
    """Pixels."""

    width: int
    height: int


class ImageOut(SizeOut):
    """A file at an exact size."""

    url: str


class CreativeOut(Schema):
    """A creative. ``image`` and ``renditions`` are shown to recommenders only once it is approved."""

    id: int
    url: str
    status: Status
    reason: str
    item: ItemRef | None
    items: list[ItemRef]
    prompt: PromptRef
    bucket: str
    layout: str
    seed: int
    image: ImageOut | None
    renditions: list[ImageOut]
    verdict: str
    quality: dict[str, float]
    created_at: datetime
    decided_at: datetime | None


class CreativesOut(Schema):
    """A page, newest first. ``next`` is the address of the next page, null on the last one."""

    creatives: list[CreativeOut]
    next: str | None


class CreativeQuery(Schema):
    """Filters and paging."""

    merchant: str | None = Field(None, max_length=50, pattern=TEXT, description="slug")
    item: str | None = Field(None, max_length=100, pattern=TEXT, description="the merchant's own product id")
    status: Status | None = None
    prompt: Id | None = Field(None, description="prompt id, whatever the version")
    width: Side | None = Field(None, description="of an exact size")
    height: Side | None = None
    since: datetime | None = Field(None, description="changed state at or after this time")
    before: Id | None = Field(None, description="ids below this one; taken from `next`")
    limit: int = Field(50, ge=1, le=200)


class PlacementRef(Schema):
    """A placement by slug; width and height override its own, and are needed when it is not known."""

    id: str = Field(max_length=60, pattern=TEXT)
    width: Side | None = None
    height: Side | None = None


class Ask(Schema):
    """Triplets to have ready before they are asked for. Without ``placements`` all active ones are meant."""

    items: list[ItemRef] = Field(min_length=1, max_length=1000)
    prompts: Literal["all"] | list[Id] = "all"
    placements: list[Annotated[str, Field(max_length=60, pattern=TEXT)] | PlacementRef] | None = None


class TripletOut(Schema):
    """One picture: what was asked for, and how far it is."""

    prompt: PromptRef
    placement: str
    size: SizeOut
    state: State
    creative_id: int | None
    image: ImageOut | None


class ItemOut(Schema):
    """An item's triplets, or a problem in their place."""

    item: ItemRef
    creatives: list[TripletOut] | None = None
    error: dict[str, Any] | None = None


class Requested(Schema):
    """What is new by this call."""

    generations: int
    sizes: int


class Answer(Schema):
    """Calling again changes nothing; it shows how far the triplets have come."""

    requested: Requested
    items: list[ItemOut]


@router.get("/creatives", response=CreativesOut, url_name="creatives")
def get_creatives(request: HttpRequest, query: Query[CreativeQuery]) -> CreativesOut:
    """List creatives, newest first."""
    key = _key(request)
    given = query.model_dump(exclude_none=True)
    wanted = CreativeFilter(
        **{name: value for name, value in given.items() if name not in ("before", "limit")}
    )
    page = list_creatives([merchant.pk for merchant in merchants_of(key)], wanted, query.before, query.limit)
    return CreativesOut(
        creatives=_creatives_out(request, page.creatives), next=_next_url(request, query, page)
    )


@router.get("/creatives/{creative_id}", response=CreativeOut, url_name="creative")
def get_creative(request: HttpRequest, creative_id: Annotated[int, Path(ge=1, le=MAX_ID)]) -> CreativeOut:
    """One creative."""
    creative = find_creative([merchant.pk for merchant in merchants_of(_key(request))], creative_id)
    if creative is None:
        raise HttpError(404, f"no creative {creative_id} for this key")
    return _creatives_out(request, [creative])[0]


@router.post("/creatives", response={202: Answer}, exclude_none=True)
def post_creatives(request: HttpRequest, ask: Ask) -> Answered[Answer]:
    """Ask for items × prompts × placements ahead of traffic; idempotent."""
    merchants = {merchant.slug: merchant for merchant in merchants_of(_key(request))}
    placements = None if ask.placements is None else [_placement(ref) for ref in ask.placements]
    items = list(dict.fromkeys((item.merchant, item.id) for item in ask.items))
    try:
        asked = ask_ahead(
            merchants, items, None if ask.prompts == "all" else ask.prompts, slots_for(placements)
        )
    except AskError as error:
        raise HttpError(422, str(error)) from error
    requested = Requested(generations=asked.generations, sizes=asked.sizes)
    return Answered(202, Answer(requested=requested, items=[_item_out(answer) for answer in asked.items]))


def _key(request: HttpRequest) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key


def _placement(ref: str | PlacementRef) -> tuple[str, int | None, int | None]:
    return (ref, None, None) if isinstance(ref, str) else (ref.id, ref.width, ref.height)


def _next_url(request: HttpRequest, query: CreativeQuery, page: CreativePage) -> str | None:
    if page.next_before is None:
        return None
    given = query.model_dump(exclude_none=True, mode="json") | {"before": page.next_before}
    return request.build_absolute_uri(f"{reverse('api:creatives')}?{urlencode(given)}")


def _creatives_out(request: HttpRequest, creatives: list[Creative]) -> list[CreativeOut]:
    items, is_recommender = items_of(creatives), _key(request).recommender_id is not None
    return [
        _creative_out(
            request,
            creative,
            items[creative.merchant_id, creative.request.image_sha256],
            shows_images=creative.status == Creative.Status.APPROVED or not is_recommender,
        )
        for creative in creatives
    ]


def _creative_out(
    request: HttpRequest, creative: Creative, items: list[str], shows_images: bool
) -> CreativeOut:
    refs = [ItemRef(merchant=creative.merchant.slug, id=item) for item in items]
    version = creative.request.prompt_version
    images = [
        ImageOut(width=rendition.width, height=rendition.height, url=public_url(rendition.file))
        for rendition in (creative.renditions.all() if shows_images else ())
    ]
    return CreativeOut(
        id=creative.pk,
        url=request.build_absolute_uri(reverse("api:creative", args=[creative.pk])),
        status=creative.status,  # type: ignore[arg-type]
        reason=creative.reason,
        item=refs[0] if refs else None,
        items=refs,
        prompt=PromptRef(id=version.prompt_id, version=version.version),
        bucket=creative.request.bucket,
        layout=creative.request.layout,
        seed=creative.seed,
        image=images[0] if images else None,
        renditions=images,
        verdict=creative.record.get("verdict", ""),
        quality=creative.record.get("quality", {}),
        created_at=creative.created_at,
        decided_at=creative.decided_at,
    )


def _item_out(answer: ItemAnswer) -> ItemOut:
    ref = ItemRef(merchant=answer.merchant, id=answer.item)
    if answer.problem:
        return ItemOut(item=ref, error=problem(*PROBLEMS[answer.problem]))
    return ItemOut(item=ref, creatives=[_triplet_out(triplet) for triplet in answer.triplets])


def _triplet_out(triplet: Triplet) -> TripletOut:
    version, slot, state = triplet.version, triplet.slot, triplet.state
    size = SizeOut(width=slot.width, height=slot.height)
    return TripletOut(
        prompt=PromptRef(id=version.prompt_id, version=version.version),
        placement=slot.name,
        size=size,
        state=state.state,
        creative_id=state.creative_id,
        image=ImageOut(width=slot.width, height=slot.height, url=state.url) if state.url else None,
    )
