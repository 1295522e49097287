"""The marks of finished pictures: made with a model, of which profile, prompt version and seed; signed if asked to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from creatives.models import Creative, PromptVersion
from creatives.pipeline import encode_png
from creatives.pipeline.credentials import Credentials, SigningError, read_credentials
from creatives.pipeline.manifest import sign
from creatives.pipeline.provenance import Provenance, SourceType


def finished(pixels: NDArray[np.uint8], provenance: Provenance) -> bytes:
    """The PNG of a finished picture with its XMP packet and, where the installation signs, its C2PA manifest.

    Everything that a model has had a part in is encoded here and nowhere else. pixels: uint8 (H, W, 3). Raises
    SigningError: there is no unsigned picture where there is to be a signed one.
    """
    credentials = credentials_in_use()
    data = encode_png(pixels, provenance.xmp())
    return sign(data, provenance, credentials, settings.C2PA_TIMESTAMP_URL) if credentials else data


def credentials_in_use() -> Credentials | None:
    """What this installation signs with, read anew each time, as keys are replaced; None where it does not sign.

    Raises SigningError for half a setting and for files that cannot be used.
    """
    certificate, key = settings.C2PA_CERTIFICATE, settings.C2PA_PRIVATE_KEY
    if not certificate and not key:
        return None
    if not (certificate and key):
        missing, given = ("C2PA_CERTIFICATE", "C2PA_PRIVATE_KEY")[:: 1 if key else -1]
        raise SigningError(f"{given} is set and {missing} is not: set both to sign, none not to")
    return read_credentials(Path(certificate), Path(key), settings.C2PA_ALGORITHM)


def provenance_of(
    kind: SourceType, profile: str, pipeline_version: str, version: PromptVersion | None, seed: int
) -> Provenance:
    """What a picture says of itself. version: its prompt, None for a text that is no version of any."""
    prompt = f"{version.prompt_id}/{version.version}" if version is not None else ""
    return Provenance(kind, profile, pipeline_version, prompt, str(seed))


def provenance_of_creative(creative: Creative) -> Provenance:
    """What a finished picture of a creative says of itself, at whatever size."""
    record, request = creative.record, creative.request
    return provenance_of(
        SourceType.COMPOSITE,
        str(record.get("profile", "")),
        request.pipeline_version,
        request.prompt_version,
        creative.seed,
    )
