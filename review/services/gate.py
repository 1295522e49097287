"""The gate that a new creative passes: served at once where a rule approves it, else in review."""

from __future__ import annotations

from django.conf import settings

from creatives.models import Creative
from creatives.services import creatives as lifecycle
from review.models import Decision, PromptTrust
from review.policy import drawn
from review.services import trust
from review.services.rules import rules_of

PASSED, FAILED = "pass", "fail"
REASON = "approved automatically"


def admit(creative: Creative) -> None:
    """Approve ``creative`` if the merchant's switch or a trusted prompt says so, with a line in the audit trail.

    For the transaction that made it. What the quality gate fails is for people, whatever the merchant's switch. A prompt's
    trust never covers what the gate doubts, and a share of its pictures stays in review.
    """
    if creative.record.get("verdict") == FAILED:
        return
    if creative.merchant.auto_approve:
        _approve(creative, None, "The merchant approves everything automatically.")
        return
    rules = rules_of(creative.merchant_id)
    if not rules.trust or creative.record.get("verdict") != PASSED:
        return
    found = trust.trusted(creative)
    if found is None or drawn(rules.check_share, settings.SECRET_KEY, "check", found.pk, creative.pk):
        return
    _approve(creative, found, f"{found}: {found.streak} approved in a row.")


def _approve(creative: Creative, found: PromptTrust | None, note: str) -> None:
    lifecycle.approve(creative.pk, REASON)
    Decision.objects.create(
        merchant_id=creative.merchant_id,
        creative=creative,
        action=Decision.Action.APPROVE,
        purpose=Decision.Purpose.AUTO,
        trust=found,
        note=note[:500],
    )
