"""STORAGE_URL → a Django storage configuration."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


def storage_from_url(url: str, media_url: str) -> dict[str, Any]:
    """``file:///folder`` or ``s3://bucket/prefix?region=…&endpoint=…&public_host=…``.

    Credentials of S3 come from the AWS environment.

    Raises ValueError, naming STORAGE_URL, for any other scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path), "base_url": media_url},
        }
    if parts.scheme == "s3":
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        options = {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "region_name": query.get("region"),
            "endpoint_url": query.get("endpoint"),
            "custom_domain": query.get("public_host"),
            "file_overwrite": True,
            "querystring_auth": "public_host" not in query,
        }
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    raise ValueError(
        f"STORAGE_URL: scheme {parts.scheme!r} is not supported; use file:///folder or s3://bucket/prefix"
    )
