"""System checks: a misconfiguration has an id and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning


@register("studio")
def settings_make_sense(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Settings whose wrong value would only be felt later."""
    found: list[CheckMessage] = []
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        found.append(
            Error(
                f"PUBLIC_BASE_URL={settings.PUBLIC_BASE_URL!r} is no absolute URL",
                hint="Like https://studio.example",
                id="studio.E001",
            )
        )
    from creatives.pipeline.profiles import profile_names

    names = profile_names(settings.CHECKPOINTS_DIR)
    if settings.CHECKPOINT_PROFILE not in names:
        found.append(
            Error(
                f"CHECKPOINT_PROFILE={settings.CHECKPOINT_PROFILE!r} is unknown",
                hint=f"One of {', '.join(names)}",
                id="studio.E002",
            )
        )
    if settings.CHECKPOINT_OFFLOAD not in ("none", "model", "sequential"):
        found.append(
            Error(
                f"CHECKPOINT_OFFLOAD={settings.CHECKPOINT_OFFLOAD!r} is not none, model or sequential",
                id="studio.E005",
            )
        )
    if settings.GENERATION_LEASE_SECONDS < 2 * settings.SWEEP_SECONDS:
        found.append(
            Error(
                f"GENERATION_LEASE_SECONDS={settings.GENERATION_LEASE_SECONDS} is under twice "
                f"SWEEP_SECONDS={settings.SWEEP_SECONDS}",
                hint="A lease must outlive a sweep, or live work is taken away.",
                id="studio.E003",
            )
        )
    if not 1 <= settings.GENERATION_BATCH_SIZE <= 64:
        found.append(
            Error(
                f"GENERATION_BATCH_SIZE={settings.GENERATION_BATCH_SIZE} is not from 1 to 64",
                id="studio.E004",
            )
        )
    return found


@register(Tags.security, deploy=True)
def deployment_is_safe(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """What a public installation must not have."""
    found: list[CheckMessage] = []
    if not settings.PUBLIC_BASE_URL.startswith("https://"):
        found.append(
            CheckWarning(
                f"PUBLIC_BASE_URL={settings.PUBLIC_BASE_URL!r} is not https",
                hint="Event URLs carry sealed tokens; serve them over TLS.",
                id="studio.W001",
            )
        )
    if settings.ALLOW_PRIVATE_HOSTS:
        found.append(
            CheckWarning(
                "ALLOW_PRIVATE_HOSTS is on: feeds and webhooks can reach this network",
                hint="Unset it outside development.",
                id="studio.W002",
            )
        )
    return found
