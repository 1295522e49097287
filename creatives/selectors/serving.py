"""What can be served for what is wanted, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from django.db import connection

from creatives.models import Creative, CreativeRequest, PositionedRendition
from creatives.services.files import public_url
from creatives.services.generation import Want
from creatives.services.sizes import current_pipeline_version, is_paintable

State = Literal["ready", "queued", "in_review", "rejected", "failed", "missing"]


@dataclass(frozen=True)
class ServingState:
    """``ready`` comes with an absolute ``url``; ``missing`` means that nobody has asked for this size yet.

    ``rejected`` covers retired creatives too, and ``failed`` sizes that no bucket can serve.
    """

    state: State
    width: int
    height: int
    url: str | None = None
    creative_id: int | None = None


def serving_states(
    merchant_id: int, wants: Sequence[Want], pipeline_version: str = ""
) -> dict[Want, ServingState]:
    """The state of every want. Only a rendition of an approved creative is ever ready.

    An approved picture of an earlier pipeline version is served until the current one has its own. With a
    ``pipeline_version`` only pictures of that one count.
    """
    current = pipeline_version or current_pipeline_version()
    best: dict[Want, ServingState] = {}
    for row in _renditions(merchant_id, wants):
        if pipeline_version and row.pipeline_version != pipeline_version:
            continue
        want = Want(row.image_sha256, row.prompt_version_id, row.width, row.height, row.layout)
        found = _state(row)
        is_current = row.pipeline_version == current
        known = best.get(want)
        outranked = (
            known is not None and known.state == "ready" and not (is_current and found.state == "ready")
        )
        if not outranked and (is_current or found.state == "ready"):
            best[want] = found
    return {want: best.get(want) or _unknown(want) for want in wants}


def positioned_url(merchant_id: int, image_sha256: str, layout: str, width: int, height: int) -> str | None:
    """Absolute URL of the product on white at this size, or None while it is not rendered (1 query)."""
    want = Want(image_sha256, 0, width, height, layout)
    return positioned_urls(merchant_id, [want]).get(want)


def positioned_urls(merchant_id: int, wants: Sequence[Want]) -> dict[Want, str]:
    """Absolute URLs of the products on white of ``wants``, where rendered (1 query); prompts do not matter."""
    rows = PositionedRendition.objects.filter(
        merchant=merchant_id,
        image_sha256__in={want.image_sha256 for want in wants},
        layout__in={want.layout for want in wants},
        width__in={want.width for want in wants},
        height__in={want.height for want in wants},
    ).exclude(file="")
    urls = {(row.image_sha256, row.layout, row.width, row.height): public_url(row.file) for row in rows}
    keys = {want: (want.image_sha256, want.layout, want.width, want.height) for want in wants}
    return {want: urls[key] for want, key in keys.items() if key in urls}


class _Row(NamedTuple):
    """A rendition with what matters of its request and creative."""

    width: int
    height: int
    file: str
    image_sha256: str
    prompt_version_id: int
    layout: str
    pipeline_version: str
    request_status: str
    creative_id: int | None
    creative_status: str | None


# Plain SQL, because a decision waits for it: building the query would take longer than running it.
_RENDITIONS = """
SELECT n.width, n.height, n.file, r.image_sha256, r.prompt_version_id, r.layout, r.pipeline_version, r.status, c.id, c.status
FROM creatives_creativerequest r JOIN creatives_rendition n ON n.request_id = r.id
LEFT JOIN creatives_creative c ON c.id = n.creative_id
WHERE r.merchant_id = %(merchant)s AND r.image_sha256 = ANY (%(images)s) AND r.prompt_version_id = ANY (%(prompts)s)
    AND r.layout = ANY (%(layouts)s) AND n.width = ANY (%(widths)s) AND n.height = ANY (%(heights)s)
ORDER BY r.id
"""


def _renditions(merchant_id: int, wants: Sequence[Want]) -> list[_Row]:
    if not wants:
        return []
    parameters: dict[str, Any] = {
        "merchant": merchant_id,
        "images": list({want.image_sha256 for want in wants}),
        "prompts": list({want.prompt_version_id for want in wants}),
        "layouts": list({want.layout for want in wants}),
        "widths": list({want.width for want in wants}),
        "heights": list({want.height for want in wants}),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RENDITIONS, parameters)
        return [_Row(*row) for row in cursor.fetchall()]


def _state(row: _Row) -> ServingState:
    found = partial(ServingState, width=row.width, height=row.height)
    creative_id, status = row.creative_id, row.request_status
    if row.creative_status == Creative.Status.APPROVED:
        if row.file:
            return found("ready", url=public_url(row.file), creative_id=creative_id)
        return found("queued", creative_id=creative_id)
    if status in (CreativeRequest.Status.QUEUED, CreativeRequest.Status.RUNNING):
        return found("queued")
    if status == CreativeRequest.Status.FAILED:
        return found("failed")
    if creative_id is None:  # painted already, this size is on its way
        return found("queued")
    in_review = row.creative_status == Creative.Status.IN_REVIEW
    return found("in_review" if in_review else "rejected", creative_id=creative_id)


def _unknown(want: Want) -> ServingState:
    paintable = is_paintable(want.width, want.height)
    return ServingState("missing" if paintable else "failed", want.width, want.height)
