"""Storing product photos: validated, content-addressed, once per content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from creatives.pipeline.image_io import open_image

EXTENSIONS: Final = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
}


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A validated photo: hex SHA-256 of its bytes, storage name, upright size in pixels."""

    sha256: str
    name: str
    width: int
    height: int


def inspect_image(data: bytes) -> StoredImage:
    """What storing ``data`` would give, without storing it. Raises ImageError, which says what is wrong."""
    picture = open_image(data)
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"images/{sha256[:2]}/{sha256}.{EXTENSIONS[picture.format]}"
    return StoredImage(sha256, name, picture.width, picture.height)


def store_image(data: bytes) -> StoredImage:
    """Validate ``data`` and put it into the default storage under its SHA-256. Raises ImageError."""
    image = inspect_image(data)
    if default_storage.exists(image.name) and default_storage.size(image.name) == len(data):
        return image
    name = default_storage.save(image.name, ContentFile(data))  # another name beside one that was cut short
    return StoredImage(image.sha256, name, image.width, image.height)
