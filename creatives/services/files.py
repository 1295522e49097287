"""Pictures in the default storage, named by their content, so that writing one twice is writing it once."""

from __future__ import annotations

import hashlib
from urllib.parse import urljoin

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile


def store(data: bytes, suffix: str = "png") -> str:
    """Store ``data`` as ``creatives/ab/abcd….png`` (SHA-256) and return its name in the default storage.

    A file of that name and another length was cut short by a killed writer: it is left alone and the storage picks
    another name.
    """
    digest = hashlib.sha256(data).hexdigest()
    name = f"creatives/{digest[:2]}/{digest}.{suffix}"
    if default_storage.exists(name) and default_storage.size(name) == len(data):
        return name
    return default_storage.save(name, ContentFile(data))


def load(name: str) -> bytes:
    """The bytes of a stored file. Raises FileNotFoundError, or what the storage raises."""
    with default_storage.open(name, "rb") as file:
        return file.read()


def public_url(file: FieldFile | str) -> str:
    """An absolute URL of a stored file; relative ones of the storage are below ``PUBLIC_BASE_URL``."""
    name = file if isinstance(file, str) else str(file.name)
    return urljoin(settings.PUBLIC_BASE_URL + "/", default_storage.url(name))
