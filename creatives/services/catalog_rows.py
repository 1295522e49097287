"""From feed rows to the products and pictures to write: decided in memory, one batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from creatives.feeds import ABSENT, FeedRow, Price, RowIssue, Severity
from creatives.feeds.model import shorten
from creatives.models import Merchant, Product, ProductImage
from creatives.services.categories import CategoryIndex
from creatives.services.images import StoredImage

TEXT_FIELDS: Final = ("title", "description", "link", "availability", "brand", "color")
ATTRIBUTES: Final = ("size", "gender", "item_group_id", "google_product_category", "product_type")
CENT: Final = Decimal("0.01")
ZIP_PREFIX: Final = "zip:"

Pictures = Mapping[str, StoredImage]


@dataclass(slots=True)
class Plan:
    """What a batch comes to. ``drop_images`` are ids of pictures that the feed names no more."""

    new: list[Product] = field(default_factory=list)
    changed: list[Product] = field(default_factory=list)
    unchanged: int = 0
    images: list[ProductImage] = field(default_factory=list)
    drop_images: list[int] = field(default_factory=list)
    issues: list[RowIssue] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class ImagePlan:
    """Pictures to write, failed ones to try again (no change of the product), and ids of those to drop."""

    writes: list[ProductImage] = field(default_factory=list)
    retries: list[ProductImage] = field(default_factory=list)
    drops: list[int] = field(default_factory=list)


def plan_batch(
    merchant: Merchant, rows: Sequence[FeedRow], pictures: Pictures, categories: CategoryIndex
) -> Plan:
    """Compare ``rows`` with what is stored. ``pictures`` are those of the ZIP, by the name the feed gives them."""
    plan = Plan()
    stored = {
        product.external_id: product
        for product in Product.objects.filter(merchant=merchant, external_id__in=[row.id for row in rows])
        .select_related("category")
        .prefetch_related("images")
    }
    for row in rows:
        product = stored.get(row.id)
        if product is None and (
            missing := [name for name in ("title", "link") if getattr(row, name) is ABSENT]
        ):
            plan.refused += 1
            plan.issues.extend(_missing(row, name) for name in missing)
            continue
        _plan_row(plan, row, product or Product(merchant=merchant, external_id=row.id), pictures, categories)
    return plan


def _missing(row: FeedRow, name: str) -> RowIssue:
    return RowIssue(
        row.line, row.id, name, "", f"A new product needs a {name}, and the feed has no such column.",
        f"Add the column {name}.",
    )  # fmt: skip


def _plan_row(
    plan: Plan, row: FeedRow, product: Product, pictures: Pictures, categories: CategoryIndex
) -> None:
    is_new = product.pk is None
    values = _values(row, product, categories, plan.issues)
    differs = [name for name, value in values.items() if getattr(product, name) != value]
    for name in differs:
        setattr(product, name, values[name])
    images = plan_images(product, [] if is_new else list(product.images.all()), row, pictures)
    plan.images.extend(images.writes + images.retries)
    plan.drop_images.extend(images.drops)
    if is_new:
        plan.new.append(product)
    elif differs or images.writes or images.drops:
        plan.changed.append(product)
    else:
        plan.unchanged += 1


def _values(
    row: FeedRow, product: Product, categories: CategoryIndex, issues: list[RowIssue]
) -> dict[str, Any]:
    """The model fields that the feed manages, with their values."""
    given = row.given()
    values: dict[str, Any] = {"status": Product.Status.ACTIVE}
    values |= {name: given[name] or "" for name in TEXT_FIELDS if name in given}
    if "price" in given:
        price = given["price"]
        values["price"] = price.amount.quantize(CENT, ROUND_HALF_UP) if isinstance(price, Price) else None
        values["currency"] = price.currency if isinstance(price, Price) else ""
    attributes = {name: value for name, value in product.attributes.items() if name not in given}
    values["attributes"] = attributes | {name: given[name] for name in ATTRIBUTES if given.get(name)}
    if "google_product_category" in given or "product_type" in given:
        texts = [value if isinstance(value := given.get(name), str) else None for name in ATTRIBUTES[3:]]
        values["category"] = categories.find(*texts)
        if values["category"] is None and (text := texts[0] or texts[1]):
            issues.append(_unknown_category(row, ATTRIBUTES[3] if texts[0] else ATTRIBUTES[4], text))
    return values


def _unknown_category(row: FeedRow, column: str, text: str) -> RowIssue:
    return RowIssue(
        row.line, row.id, column, shorten(text), "No category of the tree matches, so no prompts apply.",
        "Use a category of the tree, or ask an administrator to add this one.", Severity.WARNING,
    )  # fmt: skip


def plan_images(
    product: Product, existing: list[ProductImage], row: FeedRow, pictures: Pictures
) -> ImagePlan:
    """Compare the pictures a row names with those of the product.

    A picture added by hand (without ``source_url``) is never touched; one the feed already brought stays
    where it is.
    """
    plan = ImagePlan()
    by_source = {image.source_url: image for image in existing if image.source_url}
    main = next((image for image in existing if image.position == 0), None)
    free = max((image.position for image in existing), default=0) + 1
    main_link = row.image_link if isinstance(row.image_link, str) else None
    more = row.additional_image_link if isinstance(row.additional_image_link, tuple) else ()
    wanted = set()
    for link in dict.fromkeys([main_link, *more] if main_link else more):
        stored = pictures.get(link)
        source = f"{ZIP_PREFIX}{link}" if stored else link
        wanted.add(source)
        image = by_source.get(source)
        takes_main = link == main_link and main is not None and bool(main.source_url) and main is not image
        if takes_main and main is not None:
            by_source.pop(main.source_url, None)
            if image is not None:
                plan.drops.append(image.pk)
            _replace(main, source, stored, image)
            plan.writes.append(main)
        elif image is None:
            position = 0 if link == main_link and main is None else free
            free = max(free, position + 1)
            image = ProductImage(merchant_id=product.merchant_id, product=product, position=position)
            _replace(image, source, stored, None)
            plan.writes.append(image)
        elif stored is not None and image.sha256 != stored.sha256:
            _replace(image, source, stored, None)
            plan.writes.append(image)
        elif image.status == ProductImage.Status.FAILED:
            _replace(image, source, stored, None)
            plan.retries.append(image)
    if row.additional_image_link is not ABSENT:
        gone = [image for source, image in by_source.items() if source not in wanted and image is not main]
        plan.drops.extend(image.pk for image in gone)
    return plan


def _replace(
    image: ProductImage, source: str, stored: StoredImage | None, known: ProductImage | None
) -> None:
    """Let ``image`` show ``source``: bytes of the ZIP, a picture known already, or one still to be fetched."""
    image.source_url, image.error = source, ""
    if stored is not None:
        image.status = ProductImage.Status.READY
        image.file, image.sha256 = stored.name, stored.sha256
        image.width, image.height = stored.width, stored.height
    elif known is not None:
        for name in ("status", "error", "file", "sha256", "width", "height", "fetched_at"):
            setattr(image, name, getattr(known, name))
    else:
        image.status = ProductImage.Status.PENDING
