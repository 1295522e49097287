"""How much of what a merchant's placements can show is there: products on white, and approved creatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection

from creatives.models import Placement
from creatives.selectors.placements import layouts
from creatives.services.sizes import is_paintable

SHOWN: Final = """
shown AS (
    SELECT DISTINCT ON (p.id) p.id AS product_id, i.sha256 FROM creatives_product p
    JOIN creatives_productimage i ON i.product_id = p.id AND i.status = 'ready'
    WHERE p.merchant_id = %(merchant)s AND p.status = 'active' ORDER BY p.id, i.position
), slot AS (
    SELECT * FROM unnest(%(layouts)s::text[], %(widths)s::int[], %(heights)s::int[]) AS slot (layout, width, height)
)"""
"""The photo that decisions show of each active product, and the slots, as tables of a query (see ``parameters``)."""

ON_WHITE: Final = f"""
{SHOWN}, wanted AS (
    SELECT photo.sha256, slot.* FROM (SELECT DISTINCT sha256 FROM shown) AS photo CROSS JOIN slot
)"""  # noqa: S608 - constants only
"""The products on white that an arm may show; a photo that several products share is wanted once."""

_ON_WHITE_PROGRESS = f"""
WITH {ON_WHITE}
SELECT count(*), count(*) FILTER (WHERE r.file <> ''),
    count(*) FILTER (WHERE r.file = '' AND r.attempts >= %(attempts)s)
FROM wanted w LEFT JOIN creatives_positionedrendition r ON r.merchant_id = %(merchant)s AND r.image_sha256 = w.sha256
    AND r.layout = w.layout AND r.width = w.width AND r.height = w.height
"""  # noqa: S608 - constants only

_APPROVED = f"""
WITH {SHOWN}, approved AS (
    SELECT DISTINCT r.image_sha256, c.id FROM creatives_creative c
    JOIN creatives_creativerequest r ON r.id = c.request_id
    JOIN creatives_promptversion v ON v.id = r.prompt_version_id AND v.retired_at IS NULL
    JOIN creatives_rendition n ON n.request_id = r.id AND n.creative_id = c.id AND n.file <> ''
    JOIN slot ON slot.layout = r.layout AND slot.width = n.width AND slot.height = n.height
    WHERE c.merchant_id = %(merchant)s AND c.status = 'approved'
)
SELECT (SELECT count(*) FROM shown), (SELECT count(*) FROM shown WHERE sha256 IN (SELECT image_sha256 FROM approved)),
    (SELECT count(*) FROM approved WHERE image_sha256 IN (SELECT sha256 FROM shown))
"""  # noqa: S608 - constants only


@dataclass(frozen=True)
class OnWhite:
    """Products on white: wanted, rendered, and held back after their last attempt (most wait for a mask's check)."""

    wanted: int
    ready: int
    held: int


@dataclass(frozen=True)
class Approved:
    """Active products with a photo, those of them with an approved creative in a placement's size, and such creatives."""

    products: int
    covered: int
    creatives: int


def slots_of(merchant_id: int) -> list[tuple[str, int, int]]:
    """Layout, width and height of each active placement that can be painted, as the merchant has it (3 queries)."""
    rows = [row for row in Placement.objects.filter(is_active=True) if is_paintable(row.width, row.height)]
    own = layouts([(merchant_id, row.slug) for row in rows])
    return sorted({(own[merchant_id, row.slug], row.width, row.height) for row in rows})


def parameters(merchant_id: int, slots: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """What ``SHOWN`` needs."""
    names = ("layouts", "widths", "heights")
    columns = zip(*slots, strict=True) if slots else ((), (), ())
    return {"merchant": merchant_id} | {
        name: list(column) for name, column in zip(names, columns, strict=True)
    }


def on_white(merchant_id: int) -> OnWhite:
    """How far the products on white of a merchant are (4 queries)."""
    wanted = parameters(merchant_id, slots_of(merchant_id))
    with connection.cursor() as cursor:
        cursor.execute(_ON_WHITE_PROGRESS, wanted | {"attempts": settings.GENERATION_MAX_ATTEMPTS})
        return OnWhite(*cursor.fetchone())


def approved(merchant_id: int) -> Approved:
    """How many products of a merchant have something approved to show (4 queries)."""
    with connection.cursor() as cursor:
        cursor.execute(_APPROVED, parameters(merchant_id, slots_of(merchant_id)))
        return Approved(*cursor.fetchone())
