"""C2PA: a signed manifest inside an encoded picture that says how it came about. It needs the extra ``c2pa``."""

from __future__ import annotations

import io
import json
from typing import Any

from .credentials import Credentials, SigningError
from .provenance import TOOL, Provenance

ASSERTION = "product-studio.provenance"
"""Label of the assertion with our facts: those that the XMP packet has, by the same names."""
_SETTINGS = {
    # The picture itself is small; no network but the time-stamping service that is asked for.
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
}


def sign(data: bytes, provenance: Provenance, credentials: Credentials, timestamps: str = "") -> bytes:
    """The same PNG, JPEG or WebP with a manifest in it; pixels and XMP stay as they are.

    timestamps: address of an RFC 3161 time-stamping service, asked once; none is asked for "". Signing twice gives
    different bytes. Raises SigningError.
    """
    kind = _mime_type(data)
    try:
        import c2pa
    except ImportError as error:
        raise SigningError(f"the extra c2pa is not installed ({error})") from None
    signed = io.BytesIO()
    info = c2pa.C2paSignerInfo(
        credentials.algorithm, credentials.certificates, credentials.key, timestamps or None
    )
    try:
        with (
            c2pa.Context(c2pa.Settings.from_dict(_SETTINGS)) as context,
            c2pa.Builder(_manifest(provenance), context) as builder,
            c2pa.Signer.from_info(info) as signer,
        ):
            builder.sign(signer, kind, io.BytesIO(data), signed)
    except c2pa.C2paError as error:
        raise SigningError(f"signing failed: {_told(error, timestamps)}") from None
    return signed.getvalue()


def _manifest(provenance: Provenance) -> str:
    agent = {"name": TOOL, "version": provenance.pipeline_version}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": provenance.source_type.uri,
        "softwareAgent": {key: value for key, value in agent.items() if value},
    }
    manifest: dict[str, Any] = {
        "claim_generator_info": [{"name": TOOL}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": ASSERTION, "data": provenance.facts()},
        ],
    }
    return json.dumps(manifest)


def _mime_type(data: bytes) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise SigningError("only PNG, JPEG and WebP are signed")


def _told(error: Exception, timestamps: str) -> str:
    """What the library says, without the address of the time-stamping service, which may hold a password."""
    text = str(error)
    return text.replace(timestamps, "the time-stamping service") if timestamps else text
