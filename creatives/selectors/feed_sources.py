"""Reading feeds by address with how they have been doing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from creatives.models import FeedRun, FeedSource


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A source and its latest run, if it has been fetched yet."""

    source: FeedSource
    last: FeedRun | None


def source_cards(sources: Iterable[FeedSource]) -> list[SourceCard]:
    """The sources, each with its latest run (1 query)."""
    rows = list(sources)
    runs = (
        FeedRun.objects.filter(source__in=rows)
        .select_related("catalog_import")
        .order_by("source_id", "-pk")
        .distinct("source_id")
    )
    latest = {run.source_id: run for run in runs}
    return [SourceCard(row, latest.get(row.pk)) for row in rows]
