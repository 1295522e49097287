"""Which events count, for learning and reports alike. Nothing is deleted: what does not count is flagged and kept.

An impression counts when it has no flag; a click counts for the impression that counts, if it came within the merchant's
attribution window. Flags known from the event itself are written with it; those that depend on other events are found by
``bandit.sifting``, which also writes ``flagged_at``: aggregates of an hour are stale when that is later than they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.db.models import Q, TextChoices


class Flag(TextChoices):
    """Why an impression does not count."""

    BOT = "bot", "a program that says so itself"
    RATE = "rate", "more impressions or clicks of one user in an hour than a person makes"
    FAST_CLICK = "fast_click", "clicked sooner than a person can"
    REPEATS = "repeats", "clicked again and again"
    UNENCODABLE = "unencodable", "its features cannot be read"


# For SQL over ``bandit_impression i``.
COUNTED_SQL = "i.flags = '{}'"
# The join condition of ``bandit_click c``; takes ``%(window)s``, the merchant's attribution window in minutes, of which 0
# means that a click counts whenever it comes.
CLICKED_SQL = (
    "c.decision_id = i.decision_id"
    " and (%(window)s = 0 or c.occurred_at <= i.occurred_at + make_interval(mins => %(window)s))"
)


def counted() -> Q:
    """The condition of ``COUNTED_SQL`` for querysets of impressions."""
    return Q(flags=[])


@dataclass(frozen=True)
class Rules:
    """Limits beyond which events of a user or a decision are no person's. 0 switches a rule off.

    ``impressions_per_user_hour`` and ``clicks_per_user_hour`` go by calendar hour (UTC); ``fast_click_ms`` is the time from
    impression to click below which nobody can have looked; ``repeated_clicks`` is how often one decision may be clicked
    again.
    """

    impressions_per_user_hour: int
    clicks_per_user_hour: int
    fast_click_ms: int
    repeated_clicks: int

    @classmethod
    def of_settings(cls) -> Self:
        """The rules of this installation."""
        return cls(
            settings.FILTER_IMPRESSIONS_PER_USER_HOUR,
            settings.FILTER_CLICKS_PER_USER_HOUR,
            settings.FILTER_FAST_CLICK_MS,
            settings.FILTER_REPEATED_CLICKS,
        )


# Programs that name themselves. HTTP libraries are not among them: servers report events with those.
_BOTS = re.compile(
    r"(?<!\bcu)bot\b|crawl|spider|slurp|facebookexternalhit|whatsapp/|mediapartners|lighthouse|pingdom|gtmetrix|phantomjs"
    r"|ia_archiver|bingpreview|google-inspectiontool|google-read-aloud|skypeuripreview|embedly",
    re.IGNORECASE,
)
_YES = frozenset({"true", "1", "yes"})


def is_bot(user_agent: str) -> bool:
    """Whether a User-Agent header is that of a program that says so."""
    return bool(_BOTS.search(user_agent))


def declared_flags(features: Mapping[str, Mapping[str, Any]], user_agent: str = "") -> list[str]:
    """Flags that an impression has from the start.

    ``features`` are those of the decision by group. A recommender declares a bot by the user feature ``bot`` (true) or
    ``user_agent``, or by the device "bot".
    """
    user = features.get("user") or {}
    declared = (
        str(user.get("bot", "")).strip().casefold() in _YES
        or str(user.get("device", "")).strip().casefold() == "bot"
        or is_bot(str(user.get("user_agent", "")))
    )
    return [Flag.BOT.value] if declared or is_bot(user_agent) else []
