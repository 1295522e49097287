"""Reading feeds by address with how they have been doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from creatives.models import FeedRun, FeedSource

SHOWN_RUNS: Final = 50


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A source and its latest run, if it has been fetched yet."""

    source: FeedSource
    last: FeedRun | None


def source_cards(sources: QuerySet[FeedSource]) -> list[SourceCard]:
    """The sources by name, each with its latest run (2 queries)."""
    rows = list(sources.select_related("merchant").order_by("name", "pk"))
    runs = (
        FeedRun.objects.filter(source__in=rows)
        .select_related("catalog_import")
        .order_by("source_id", "-pk")
        .distinct("source_id")
    )
    latest = {run.source_id: run for run in runs}
    return [SourceCard(row, latest.get(row.pk)) for row in rows]
