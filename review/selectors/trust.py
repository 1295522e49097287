"""Reads of a merchant's rules and of the trust that prompts have earned."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from creatives.models import Creative, Merchant
from review.models import Decision, PromptTrust, ReviewRules, TrustEvent

LENGTH = 20


@dataclass(frozen=True, slots=True)
class Change:
    """A version of the rules, and in words what it changed of the one before."""

    rules: ReviewRules
    changes: tuple[str, ...]


def versions(merchant: Merchant) -> list[Change]:
    """The latest versions of the merchant's rules, newest first."""
    rows = list(ReviewRules.objects.filter(merchant=merchant).select_related("by")[: LENGTH + 1])
    before = [*rows[1:], ReviewRules()] if len(rows) <= LENGTH else rows[1:]
    return [Change(row, _changes(row, old)) for row, old in zip(rows[:LENGTH], before, strict=False)]


def trusts(merchant: Merchant) -> list[PromptTrust]:
    """Prompts and categories with at least one decision: trusted first, then by streak.

    ``automatic`` counts approvals by the trust, ``unseen`` those that are served and that nobody has looked at since.
    """
    rows = PromptTrust.objects.filter(merchant=merchant).select_related("prompt_version__prompt", "category")
    automatic = Count("decisions", filter=Q(decisions__purpose=Decision.Purpose.AUTO))
    found = rows.filter(prompt_version__retired_at=None).annotate(automatic=automatic)
    unseen = dict(let_through(merchant).values_list("trust").annotate(Count("creative", distinct=True)))
    for row in found:
        row.unseen = unseen.get(row.pk, 0)  # type: ignore[attr-defined]
    return sorted(found, key=lambda row: (row.state != PromptTrust.State.TRUSTED, -row.streak, row.pk))


def let_through(merchant: Merchant) -> QuerySet[Decision]:
    """Approvals by a trust, of creatives that are served and that nobody has approved since; in no order."""
    looked_at = Decision.objects.filter(
        merchant=merchant, purpose=Decision.Purpose.DECIDE, action=Decision.Action.APPROVE
    )
    lines: QuerySet[Decision] = Decision.objects.filter(
        merchant=merchant,
        purpose=Decision.Purpose.AUTO,
        trust__isnull=False,
        creative__status=Creative.Status.APPROVED,
    )
    return lines.exclude(creative__in=looked_at.values("creative")).order_by()


def events(merchant: Merchant) -> list[TrustEvent]:
    """When trust was earned, lost, stopped or started again; latest first."""
    rows = TrustEvent.objects.filter(trust__merchant=merchant)
    return list(rows.select_related("trust__prompt_version__prompt", "trust__category", "by")[:LENGTH])


def _changes(row: ReviewRules, old: ReviewRules) -> tuple[str, ...]:
    names = ("sla_hours", "second_share", "gold_share", "trust", "trust_after", "check_share", "demote_after")
    fields = {field.name: str(field.verbose_name) for field in ReviewRules._meta.fields}
    return tuple(
        f"{fields[name]}: {_word(getattr(old, name))} → {_word(getattr(row, name))}"
        for name in names
        if getattr(old, name) != getattr(row, name)
    )


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value:g}"
