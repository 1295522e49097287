"""Where a new creative meets the installation's rule for serving it without a person."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from creatives.models import Creative


def pass_gate(creative: Creative) -> None:
    """Call ``settings.CREATIVE_GATE`` (the dotted name of a function of a Creative) for one that was just made, in review.

    For the transaction that made it, so that a creative is never seen in review that a rule approves.
    """
    import_string(settings.CREATIVE_GATE)(creative)
