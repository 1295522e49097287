"""The marks that pictures carry: made with a model, of which profile, prompt version and seed."""

from __future__ import annotations

from creatives.models import Creative, PromptVersion
from creatives.pipeline.provenance import Provenance, SourceType


def mark_of(
    kind: SourceType, profile: str, pipeline_version: str, version: PromptVersion | None, seed: int
) -> bytes:
    """The XMP packet of a picture. version: its prompt, None for a text that is no version of any."""
    prompt = f"{version.prompt_id}/{version.version}" if version is not None else ""
    return Provenance(kind, profile, pipeline_version, prompt, str(seed)).xmp()


def mark_of_creative(creative: Creative) -> bytes:
    """The XMP packet of a finished picture of a creative, at whatever size."""
    record, request = creative.record, creative.request
    return mark_of(
        SourceType.COMPOSITE,
        str(record.get("profile", "")),
        request.pipeline_version,
        request.prompt_version,
        creative.seed,
    )
