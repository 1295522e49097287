"""Filters are read from the URL and written back to it; rubbish counts as not given."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from review.filters import HistoryFilters, QueueFilters


def test_a_query_survives_the_round_trip() -> None:
    query = "merchant=demo&category=3&prompt=14&verdict=doubtful"
    assert QueueFilters.read(QueryDict(query)) == QueueFilters("demo", 3, 14, "doubtful")
    assert QueueFilters.read(QueryDict(query)).query() == query


@pytest.mark.parametrize("text", ["x", "-1", "0", "1.5", "9" * 30, "²", "1;drop"])
def test_what_is_no_id_counts_as_not_given(text: str) -> None:
    filters = QueueFilters.read({"category": text})
    assert filters == QueueFilters()
    assert not filters


def test_a_nul_byte_never_reaches_the_database() -> None:
    assert QueueFilters.read({"merchant": "de\x00mo"}).merchant == "demo"


def test_days_are_iso_dates() -> None:
    filters = HistoryFilters.read({"since": "2026-01-31", "until": "31.1.2026", "reviewer": "5"})
    assert filters == HistoryFilters(reviewer=5, since=date(2026, 1, 31))
    assert filters.query() == "reviewer=5&since=2026-01-31"
