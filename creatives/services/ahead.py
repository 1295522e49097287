"""Asking for triplets ahead of traffic: items × prompts × placements, each item answered for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from creatives.models import Merchant, Placement, Product, ProductImage, PromptVersion
from creatives.selectors.placements import layouts
from creatives.selectors.prompts import Pool, pools_for
from creatives.selectors.serving import ServingState, serving_states
from creatives.selectors.vetoes import Vetoes, vetoes_of
from creatives.services.generation import Want, request_creatives
from creatives.services.sizes import bucket_of, layout_of

MAX_TRIPLETS = 20_000


class AskError(ValueError):
    """The whole question is refused; ``field`` names the part that is wrong."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.field = name


@dataclass(frozen=True)
class Slot:
    """A placement as asked for: its name, exact size, and layout."""

    name: str
    width: int
    height: int
    layout: str


@dataclass(frozen=True)
class Triplet:
    """One picture of an item that is asked for, and its state now."""

    version: PromptVersion
    slot: Slot
    state: ServingState


@dataclass
class ItemAnswer:
    """An item's triplets, or why there are none: "unknown", "no picture" or "no prompts"."""

    merchant: str
    item: str
    problem: str = ""
    triplets: list[Triplet] = field(default_factory=list)


@dataclass
class Asked:
    """Generations and sizes that are new by this call, and the answer for each item in the order asked."""

    generations: int
    sizes: int
    items: list[ItemAnswer]


def slots_for(asked: Sequence[tuple[str, int | None, int | None]] | None) -> list[Slot]:
    """Placements by (slug, width, height); all active ones for None.

    A placement that is not known must come with a size and gets the default layout, as in a decision. Raises AskError.
    """
    if asked is None:
        rows = Placement.objects.filter(is_active=True)
        return [Slot(row.slug, row.width, row.height, layout_of(row)) for row in rows]
    known = {row.slug: row for row in Placement.objects.filter(slug__in=[slug for slug, _, _ in asked])}
    slots = []
    for index, (slug, width, height) in enumerate(asked):
        name, row = f"placements.{index}", known.get(slug)
        if row is None and (width is None or height is None):
            raise AskError(name, f"no placement {slug!r}; an unknown one needs width and height")
        slot = Slot(
            slug,
            width if width is not None or row is None else row.width,  # type: ignore[arg-type]
            height if height is not None or row is None else row.height,  # type: ignore[arg-type]
            layout_of(row),
        )
        try:
            bucket_of(slot.width, slot.height)
        except ValueError as error:
            raise AskError(name, str(error)) from error
        slots.append(slot)
    return slots


def ask_ahead(
    merchants: Mapping[str, Merchant],
    items: Sequence[tuple[str, str]],
    prompt_ids: Sequence[int] | None,
    slots: Sequence[Slot],
) -> Asked:
    """Ask for every (merchant slug, external id) × prompt × slot. ``prompt_ids`` None means the whole pool.

    Idempotent. Raises AskError for unknown prompts and for too many triplets; then nothing is asked for.
    """
    products = _products(merchants, items)
    pools = pools_for(product.category_id for product in products.values())
    _check_prompts(prompt_ids)
    pictures = _pictures(products.values())
    terms = _Terms.of(merchants.values(), slots)
    answers = [ItemAnswer(merchant, item) for merchant, item in items]
    plans = [_plan(answer, products, pools, pictures, prompt_ids, slots, terms) for answer in answers]
    if (count := sum(map(len, plans))) > MAX_TRIPLETS:
        raise AskError("items", f"{count:,} triplets are asked for; the limit is {MAX_TRIPLETS:,} per call")
    generations = sizes = 0
    for slug, merchant in merchants.items():
        mine = [
            (answer, plan) for answer, plan in zip(answers, plans, strict=True) if answer.merchant == slug
        ]
        wants = [want for _, plan in mine for want, _, _ in plan]
        if not wants:
            continue
        summary = request_creatives(merchant, wants)
        generations, sizes = generations + summary.generations, sizes + summary.sizes
        states = serving_states(merchant.pk, wants)
        for answer, plan in mine:
            answer.triplets = [Triplet(version, slot, states[want]) for want, version, slot in plan]
    return Asked(generations, sizes, answers)


@dataclass(frozen=True)
class _Terms:
    """What the merchants have said: prompts that they do not want, and their own layouts by placement."""

    vetoes: dict[int, Vetoes]
    layouts: dict[tuple[int, str], str]

    @classmethod
    def of(cls, merchants: Iterable[Merchant], slots: Sequence[Slot]) -> _Terms:
        ids = [merchant.pk for merchant in merchants]
        return cls(vetoes_of(ids), layouts([(pk, slot.name) for pk in ids for slot in slots]))


def _products(
    merchants: Mapping[str, Merchant], items: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Product]:
    rows = Product.objects.filter(
        merchant__in=[merchant.pk for merchant in merchants.values()],
        external_id__in={item for _, item in items},
        status=Product.Status.ACTIVE,
    )
    return {(row.merchant.slug, row.external_id): row for row in rows.select_related("merchant", "category")}


def _pictures(products: Iterable[Product]) -> dict[int, str]:
    rows = ProductImage.objects.filter(
        product__in=list(products), position=0, status=ProductImage.Status.READY
    )
    return dict(rows.values_list("product_id", "sha256"))


def _check_prompts(prompt_ids: Sequence[int] | None) -> None:
    if prompt_ids is None:
        return
    in_use = PromptVersion.objects.filter(prompt__in=prompt_ids, retired_at__isnull=True)
    missing = sorted(set(prompt_ids) - set(in_use.values_list("prompt", flat=True)))
    if missing:
        raise AskError("prompts", f"no prompt in use with id {', '.join(map(str, missing))}")


def _plan(
    answer: ItemAnswer,
    products: Mapping[tuple[str, str], Product],
    pools: Mapping[int, Pool],
    pictures: Mapping[int, str],
    prompt_ids: Sequence[int] | None,
    slots: Sequence[Slot],
    terms: _Terms,
) -> list[tuple[Want, PromptVersion, Slot]]:
    """The item's wants; when it has none, ``answer.problem`` says why."""
    product = products.get((answer.merchant, answer.item))
    if product is None:
        answer.problem = "unknown"
        return []
    if product.pk not in pictures:
        answer.problem = "no picture"
        return []
    pool = pools.get(product.category_id) if product.category_id else None
    unwanted = terms.vetoes[product.merchant_id].of(product.pk, product.category)
    versions = [
        version
        for version in (pool.versions if pool else ())
        if (prompt_ids is None or version.prompt_id in prompt_ids) and version.prompt_id not in unwanted
    ]
    if not versions:
        answer.problem = "no prompts"
    picture = pictures[product.pk]
    return [
        (Want(picture, version.pk, slot.width, slot.height, layout), version, slot)
        for version in versions
        for slot in slots
        for layout in [terms.layouts.get((product.merchant_id, slot.name), slot.layout)]
    ]
