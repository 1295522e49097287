"""The quality gate's finding as a picture to lay over a creative."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from PIL import Image

from creatives.models import Creative
from creatives.permissions import REVIEWERS, get_for_member, member_required, signed_in
from creatives.pipeline.findings import U8, draw_findings
from creatives.pipeline.gate import LIMITS, Limit
from creatives.pipeline.image_io import encode_png
from creatives.pipeline.profile import ProfileError
from creatives.services.files import load
from creatives.services.profiles import find_profile

DAY = 24 * 3600


@member_required(REVIEWERS)
@require_safe
def finding(request: HttpRequest, creative_id: int) -> HttpResponse:
    """What the gate found in one creative, PNG with transparency; 404 when its steps were not kept."""
    creative: Creative = get_for_member(Creative, signed_in(request), REVIEWERS, pk=creative_id)
    try:
        picture = draw_findings(
            _pixels(creative.generated.name, "RGB"),
            _pixels(creative.edges.name, "L"),
            _pixels(creative.placed.name, "RGBA"),
            _pixels(creative.final.name, "RGB"),
            _limits(creative.record),
        )
    except (OSError, ValueError) as error:
        raise Http404(f"no finding of creative {creative_id}: {error}") from error
    response = HttpResponse(encode_png(picture), content_type="image/png")
    response["Cache-Control"] = f"private, max-age={DAY}, immutable"
    return response


def _limits(record: dict[str, Any]) -> dict[str, Limit]:
    """Those of the profile that painted it, as far as the profile is still there; what hangs may float."""
    try:
        limits = find_profile(str(record.get("profile"))).limits
    except ProfileError:
        limits = dict(LIMITS)
    if record.get("ground") == "none":
        limits.pop("floating", None)
    return limits


def _pixels(name: str | None, mode: str) -> U8:
    with Image.open(io.BytesIO(load(name or ""))) as picture:
        return np.asarray(picture.convert(mode), np.uint8)
