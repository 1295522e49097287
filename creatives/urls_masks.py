"""Masks."""

from __future__ import annotations

from django.urls import path

from creatives.views import masks

urlpatterns = [
    path("masks/", masks.mask_list, name="masks"),
    path("masks/<int:image_id>/", masks.mask, name="mask"),
    path("masks/<int:image_id>/box/", masks.mask_box, name="mask-box"),
    path("masks/<int:image_id>/photo.jpg", masks.mask_photo, name="mask-photo"),
    path("masks/<int:image_id>/matte.png", masks.mask_matte, name="mask-matte"),
]
