"""Trying a prompt on a few products before it is saved: painted by the worker like any comparison, served to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from django.db import transaction
from django.db.models import Q

from creatives.models import Category, Placement, ProductImage, Prompt, PromptTrial, PromptVersion, User
from creatives.models.catalog import PATH_SEPARATOR
from creatives.pipeline.layout import Ground, Layout
from creatives.services.comparisons import ComparisonError, Subject, start_comparison
from creatives.services.profiles import profile_in_use
from creatives.services.sizes import layout_of

SAMPLES: Final = 3
MOST_SAMPLES: Final = 6
SIZE: Final = (320, 320)
"""What is painted where no placement is chosen, in pixels."""


class TrialError(ValueError):
    """A trial that cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is not saved: for a pool, as version ``base`` + 1 of ``prompt`` or as a new one called ``name``."""

    category: Category
    text: str
    negative_text: str = ""
    ground: str = "auto"
    prompt: Prompt | None = None
    base: int | None = None
    name: str = ""


def try_prompt(
    draft: Draft, by: User, products: Sequence[str] = (), placement: Placement | None = None
) -> PromptTrial:
    """Ask for pictures of ``products`` (their ids; the newest of the category if none are named).

    Of an edit the text in use is painted as well, from the same seed. Raises TrialError, with nothing written.
    """
    photos = sample_photos(draft.category, products)
    in_use = _in_use(draft)
    size = (placement.width, placement.height) if placement else SIZE
    with transaction.atomic():
        trial = PromptTrial.objects.create(
            category=draft.category, prompt=draft.prompt, base=draft.base, name=draft.name, text=draft.text,
            negative_text=draft.negative_text, ground=draft.ground, created_by=by,
        )  # fmt: skip
        try:
            for photo in photos:
                _paint(trial, photo, draft.text, draft.negative_text, draft.ground, size, placement)
                if in_use:
                    _paint(
                        trial, photo, in_use.text, in_use.negative_text, in_use.ground, size, placement, True
                    )
        except ComparisonError as error:
            raise TrialError(str(error)) from error
    return trial


def sample_photos(category: Category, products: Sequence[str] = ()) -> list[ProductImage]:
    """The main photos of the products with these ids, or of the newest SAMPLES of the category and what is below it.

    Where the category has none, the newest of all are taken. Raises TrialError for ids that are unknown or have no photo.
    """
    ready = (
        ProductImage.objects.filter(
            position=0, status=ProductImage.Status.READY, product__status="active", merchant__is_active=True
        )
        .exclude(file="")
        .select_related("product", "merchant")
        .order_by("-product_id")
    )
    if products:
        if len(products) > MOST_SAMPLES:
            raise TrialError(f"At most {MOST_SAMPLES} products at a time; these are {len(products)}.")
        found = {
            photo.product.external_id: photo for photo in ready.filter(product__external_id__in=products)
        }
        if missing := [name for name in products if name not in found]:
            raise TrialError(f"No active product with a photo has the id {', '.join(missing)}.")
        return [found[name] for name in products]
    below = Q(product__category=category) | Q(
        product__category__path__startswith=f"{category.path}{PATH_SEPARATOR}"
    )
    photos = list(ready.filter(below)[:SAMPLES]) or list(ready[:SAMPLES])
    if not photos:
        raise TrialError("No product has a photo yet to try it on.")
    return photos


def _in_use(draft: Draft) -> PromptVersion | None:
    if draft.prompt is None:
        return None
    return draft.prompt.versions.filter(retired_at=None).first()


def _paint(
    trial: PromptTrial,
    photo: ProductImage,
    text: str,
    negative_text: str,
    ground: str,
    size: tuple[int, int],
    placement: Placement | None,
    is_in_use: bool = False,
) -> None:
    layout = Layout.parse(layout_of(placement))
    if layout.ground == "auto":
        layout = replace(layout, ground=cast(Ground, ground))
    subject = Subject(photo.sha256, text, size, negative_text, seed=trial.pk, layout=layout.key)
    names = [profile_in_use().name]
    start_comparison(photo.merchant, subject, names, trial.created_by, trial=trial, is_in_use=is_in_use)
