"""What people should know about their policies wherever they start from."""

from __future__ import annotations

from typing import Any

from django import template

from bandit.models import PausedPrompt, PoolControl
from creatives.models import User
from creatives.models.base import EDITORS

register = template.Library()
MOST = 5


@register.inclusion_tag("policy/_home_notices.html")
def policy_notices(user: User) -> dict[str, Any]:
    """Prompts that the safety cap has paused, and pools that are switched off, of the person's merchants (2 queries)."""
    paused = PausedPrompt.objects.for_member(user, EDITORS).filter(
        resumed_at__isnull=True, paused_by__isnull=True
    )
    off = PoolControl.objects.for_member(user, EDITORS).exclude(serve=PoolControl.Serve.POLICY)
    return {
        "paused": paused.select_related("merchant", "prompt_version__prompt")[:MOST],
        "switched_off": off.select_related("merchant", "category")[:MOST],
    }
