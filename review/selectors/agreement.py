"""How well reviewers agree: with each other on samples, and with the known answers of gold items."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from creatives.models import Merchant, User
from creatives.permissions import REVIEWERS
from review.models import Decision, GoldCheck, SecondOpinion
from review.policy import cohens_kappa

ANSWERS = (Decision.Action.APPROVE, Decision.Action.REJECT)


@dataclass(slots=True)
class Agreement:
    """One reviewer against others. ``pairs`` counts (own answer, the other's); ``gold`` and ``gold_right`` count answers."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    gold: int = 0
    gold_right: int = 0

    @property
    def samples(self) -> int:
        """Pictures that both answered without seeing the other's answer."""
        return self.pairs.total()

    @property
    def agreed(self) -> float | None:
        """Share of them with the same answer, 0–1."""
        same = sum(count for (one, other), count in self.pairs.items() if one == other)
        return same / self.samples if self.samples else None

    @property
    def kappa(self) -> float | None:
        """Cohen's κ, −1…1; None without samples or where both always say the same one thing."""
        return cohens_kappa(self.pairs)

    @property
    def gold_accuracy(self) -> float | None:
        """Share of gold items answered as expected, 0–1."""
        return self.gold_right / self.gold if self.gold else None


def agreement(user: User, since: datetime) -> dict[int, Agreement]:
    """By reviewer, over answers since ``since`` for the merchants for whom ``user`` reviews. Two queries.

    Only samples count: flagged pictures are hard ones, and would make everybody look worse than they are.
    """
    found: dict[int, Agreement] = defaultdict(Agreement)
    merchants = Merchant.objects.for_member(user, REVIEWERS).values("pk")
    samples = SecondOpinion.objects.filter(
        merchant__in=merchants,
        kind=SecondOpinion.Kind.SAMPLE,
        second__at__gte=since,
        second__action__in=ANSWERS,
    )
    for first, second, lean, action in samples.values_list(
        "first__reviewer", "second__reviewer", "lean", "second__action"
    ):
        found[first].pairs[lean, action] += 1
        found[second].pairs[action, lean] += 1
    checks = GoldCheck.objects.filter(
        gold__merchant__in=merchants, answer__at__gte=since, answer__action__in=ANSWERS
    )
    right = Count("pk", filter=Q(answer__action=F("gold__expected")))
    counted = checks.order_by().values("reviewer").annotate(answers=Count("pk"), right=right)
    for row in counted:
        mine = found[row["reviewer"]]
        mine.gold, mine.gold_right = row["answers"], row["right"]
    return dict(found)


def disputes(user: User, roles: tuple[str, ...]) -> QuerySet[SecondOpinion]:
    """Second opinions for the merchants in which ``user`` holds one of ``roles``, latest first."""
    merchants = Merchant.objects.for_member(user, roles).values("pk")
    rows: QuerySet[SecondOpinion] = SecondOpinion.objects.filter(merchant__in=merchants)
    related = ("merchant", "creative", "first__reviewer", "second__reviewer", "resolution__reviewer")
    return rows.select_related(*related)
