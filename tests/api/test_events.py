"""POST /events: each event once, whatever is sent how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bandit.models import Click, Conversion, Impression
from bandit.tokens import DecisionToken, seal
from creatives.models import ApiKey, Merchant, Recommender
from tests import factories
from tests.bandit_rows import pool, post, token

pytestmark = pytest.mark.django_db
NOTHING = {"accepted": 0, "duplicates": 0, "rejected": []}


class Reporter:
    def __init__(self) -> None:
        self.merchant = factories.merchant()
        self.version = pool(factories.category("Home"), 1)[0]
        _, self.key = ApiKey.issue(merchant=self.merchant)

    def token(self, **fields: Any) -> DecisionToken:
        return token(self.merchant, self.version, **fields)

    def send(self, *events: Any) -> Any:
        response = post("/api/v1/events", {"events": list(events)}, self.key)
        assert response.status_code == 202, response.content
        return response.json()


@pytest.fixture
def reporter() -> Reporter:
    return Reporter()


def event(kind: str, of: DecisionToken, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "token": seal(of), "event_id": str(uuid4())} | fields


def rows() -> tuple[int, int, int]:
    return Impression.objects.count(), Click.objects.count(), Conversion.objects.count()


def test_one_of_each(reporter: Reporter) -> None:
    of = reporter.token(is_simulated=True)
    occurred_at = of.issued_at + timedelta(minutes=3)
    receipt = reporter.send(
        event("impression", of, occurred_at=occurred_at.isoformat()),
        event("click", of, event_id="c-1", occurred_at=(occurred_at + timedelta(seconds=9)).isoformat()),
        event("conversion", of, event_id="order-7", value=59.9),
    )
    assert receipt == NOTHING | {"accepted": 3}
    impression, click, conversion = Impression.objects.get(), Click.objects.get(), Conversion.objects.get()
    for name in of.__dataclass_fields__:
        if name not in ("expires_at", "issued_at"):
            assert getattr(impression, name) == getattr(of, name), name
    assert impression.occurred_at == occurred_at
    assert abs(impression.issued_at - of.issued_at) < timedelta(milliseconds=1)
    assert (impression.flags, impression.flagged_at, click.settled_at) == ([], None, None)
    assert (click.decision_id, click.event_id) == (of.decision_id, "c-1")
    assert click.occurred_at == occurred_at + timedelta(seconds=9)
    assert (conversion.decision_id, conversion.event_id) == (of.decision_id, "order-7")
    assert conversion.value == Decimal("59.90")
    assert {impression.merchant, click.merchant, conversion.merchant} == {reporter.merchant}
    assert click.is_simulated
    assert conversion.is_simulated


def test_the_urls_of_a_decision_name_it_as_well_as_its_token(reporter: Reporter) -> None:
    of = reporter.token()
    receipt = reporter.send(
        event("impression", of, token=f"https://studio.example/e/{seal(of)}"),
        event("click", of, token=f"https://studio.example/c/{seal(of)}"),
    )
    assert receipt == NOTHING | {"accepted": 2}
    assert (Impression.objects.get().decision_id, Click.objects.get().decision_id) == (
        of.decision_id,
        of.decision_id,
    )


def test_a_doubled_batch_changes_nothing(reporter: Reporter) -> None:
    of = [reporter.token() for _ in range(4)]
    batch = [event(kind, one) for one in of for kind in ("impression", "click", "conversion")]
    assert reporter.send(*batch) == NOTHING | {"accepted": 12}
    before = [list(model.objects.order_by("pk").values()) for model in (Impression, Click, Conversion)]
    assert reporter.send(*batch) == NOTHING | {"duplicates": 12}
    assert [
        list(model.objects.order_by("pk").values()) for model in (Impression, Click, Conversion)
    ] == before


def test_duplicates_within_a_batch(reporter: Reporter) -> None:
    of = reporter.token()
    one, other = event("click", of), event("click", of)
    assert reporter.send(one, one, other) == NOTHING | {"accepted": 1, "duplicates": 2}
    order = event("conversion", of, event_id="o")
    assert reporter.send(order, order, event("conversion", of)) == NOTHING | {"accepted": 2, "duplicates": 1}
    assert rows() == (0, 1, 2)


def test_a_click_waits_for_its_impression(reporter: Reporter) -> None:
    of = reporter.token()
    assert reporter.send(event("click", of))["accepted"] == 1
    assert rows() == (0, 1, 0)
    assert reporter.send(event("impression", of))["accepted"] == 1
    assert rows() == (1, 1, 0)


def test_a_bare_list_is_a_batch(reporter: Reporter) -> None:
    response = post("/api/v1/events", [event("click", reporter.token())], reporter.key)
    assert (response.status_code, response.json()) == (202, NOTHING | {"accepted": 1})


def test_an_empty_batch(reporter: Reporter) -> None:
    assert reporter.send() == NOTHING


def test_what_is_wrong_with_one_event_refuses_that_one(reporter: Reporter) -> None:
    of, now = reporter.token(), timezone.now()
    expired = reporter.token(issued_at=now - timedelta(days=3))
    foreign = token(factories.merchant(), reporter.version)
    good = event("click", of)
    bad: list[tuple[Any, str]] = [
        ({}, "type: Field required"),
        ("x", "an event is an object"),
        (good | {"type": "view"}, "type: Input should be"),
        (good | {"token": "A" * 100}, "the token is not valid"),
        (good | {"token": "é"}, "the token is not valid"),
        (event("click", foreign), "the token is not valid"),
        (event("click", expired), "expired at"),
        (event("impression", expired), "expired at"),
        (event("conversion", reporter.token(issued_at=now - timedelta(days=31))), "expired at"),
        (event("conversion", of, event_id=""), "needs an event_id"),
        (good | {"occurred_at": "yesterday"}, "occurred_at:"),
        (good | {"occurred_at": "2026-01-01T00:00:00"}, "occurred_at: Input should have timezone info"),
        (good | {"occurred_at": (of.issued_at - timedelta(minutes=6)).isoformat()}, "before the decision"),
        (good | {"occurred_at": (now + timedelta(minutes=6)).isoformat()}, "in the future"),
        (good | {"event_id": "x" * 101}, "event_id:"),
        (good | {"event_id": "a\x00"}, "event_id:"),
        (good | {"value": "lots"}, "value:"),
        (good | {"value": 1e20}, "value:"),
        (good | {"value": "NaN"}, "value:"),
    ]
    receipt = reporter.send(good, *(wrong for wrong, _ in bad), good)
    assert (receipt["accepted"], receipt["duplicates"]) == (1, 1)
    assert [refusal["index"] for refusal in receipt["rejected"]] == list(range(1, len(bad) + 1))
    for refusal, (_, reason) in zip(receipt["rejected"], bad, strict=True):
        assert reason in refusal["reason"]
    assert rows() == (0, 1, 0)


def test_a_conversion_may_come_days_after_the_click(reporter: Reporter) -> None:
    of = reporter.token(issued_at=timezone.now() - timedelta(days=29))
    assert reporter.send(event("conversion", of))["accepted"] == 1


def test_a_crooked_clock_is_cut_off(reporter: Reporter) -> None:
    now = timezone.now()
    of, other = reporter.token(), reporter.token()
    reporter.send(
        event("impression", of, occurred_at=(of.issued_at - timedelta(minutes=4)).isoformat()),
        event("impression", other, occurred_at=(now + timedelta(minutes=4)).isoformat()),
    )
    assert abs(Impression.objects.get(pk=of.decision_id).occurred_at - of.issued_at) < timedelta(
        milliseconds=1
    )
    assert now <= Impression.objects.get(pk=other.decision_id).occurred_at <= timezone.now()


def test_a_recommender_reports_for_its_merchants(reporter: Reporter) -> None:
    recommender = Recommender.objects.create(name="r")
    recommender.merchants.add(reporter.merchant)
    _, key = ApiKey.issue(recommender=recommender)
    foreign = token(factories.merchant(), reporter.version)
    answer = post("/api/v1/events", [event("click", reporter.token()), event("click", foreign)], key).json()
    assert (answer["accepted"], [refusal["index"] for refusal in answer["rejected"]]) == (1, [1])


def test_two_merchants_may_use_the_same_event_id(reporter: Reporter) -> None:
    other = Reporter()
    for one in (reporter, other):
        assert one.send(event("conversion", one.token(), event_id="order-1"))["accepted"] == 1


@pytest.mark.parametrize("body", [{}, {"events": None}, {"events": {}}, '"x"', "7", "null"])
def test_no_batch_at_all(reporter: Reporter, body: Any) -> None:
    response = post("/api/v1/events", body, reporter.key)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"


def test_too_large_a_batch_names_the_limit(reporter: Reporter) -> None:
    response = post("/api/v1/events", [{}] * 1001, reporter.key)
    assert response.status_code == 413
    assert "1001 in one batch, at most 1000" in response.json()["detail"]
    assert rows() == (0, 0, 0)


def test_a_full_batch_takes_a_handful_of_queries(reporter: Reporter) -> None:
    batch = [event("impression", reporter.token()) for _ in range(1000)]
    with CaptureQueriesContext(connection) as captured:
        assert reporter.send(*batch)["accepted"] == 1000
    assert len(captured) <= 6


def test_without_a_key_nothing_happens(reporter: Reporter) -> None:
    assert post("/api/v1/events", [event("click", reporter.token())], "nope").status_code == 401
    assert rows() == (0, 0, 0)


def test_an_event_of_a_merchant_that_is_gone(reporter: Reporter) -> None:
    of = replace(reporter.token(), merchant_id=Merchant.objects.latest("pk").pk + 1000)
    assert reporter.send(event("click", of))["rejected"] == [{"index": 0, "reason": "the token is not valid"}]
