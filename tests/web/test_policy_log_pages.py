"""Why a prompt was shown, and what other policies would have earned: pages over the log."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from bandit import comparing
from bandit.comparing import Candidate, ComparisonError, ask, pool_log
from bandit.jobs import compare_policies
from bandit.learning import learn_once
from bandit.models import Impression, PolicyComparison
from creatives.models import Merchant, OutboxEntry, PromptVersion, User
from tests import factories
from tests.bandit_rows import FEATURES, pool, shown

pytestmark = pytest.mark.django_db


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=0)


@pytest.fixture
def arms() -> list[PromptVersion]:
    return pool(factories.category("Home"), 2)


@pytest.fixture
def editor(merchant: Merchant) -> User:
    return factories.member(merchant, "editor")


def traffic(merchant: Merchant, arms: list[PromptVersion], count: int) -> None:
    """Prompts at random; the second is clicked on desktops, the first on mobiles."""
    rng = np.random.default_rng(3)
    start = timezone.now() - timedelta(hours=3)
    for number in range(count):
        arm, device = int(rng.integers(2)), int(rng.integers(2))
        clicked = rng.random() < (0.6 if arm == device else 0.05)
        shown(
            merchant,
            arms[arm],
            features=FEATURES | {"user": {"device": ("mobile", "desktop")[device]}},
            issued_at=start + timedelta(seconds=number),
            clicked_after=timedelta(seconds=1) if clicked else None,
        )


# --- why --------------------------------------------------------------------------------------------


def why(user: User, pk: Any) -> str:
    response = as_(user).get("/policy/why/", {"decision": str(pk)})
    assert response.status_code == 200
    return response.content.decode()


def test_why_says_what_speaks_for_a_prompt(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    traffic(merchant, arms, 120)
    learn_once()
    row = shown(
        merchant,
        arms[1],
        features=FEATURES | {"user": {"device": "desktop"}},
        issued_at=timezone.now(),
        policy_version=1,
        propensity=0.95,
    )
    page = why(editor, row.pk)
    assert "The policy thought this prompt the best one for this shopper." in page
    assert "95.00 %" in page
    assert f"What puts {arms[1].prompt.name} ahead of {arms[0].prompt.name}" in page
    assert "user device: desktop" in page
    assert "As version 1 saw it" in page
    other = shown(merchant, arms[0], features=row.features, issued_at=timezone.now(), policy_version=1)
    assert "this one came up in the share that is left to chance" in why(editor, other.pk)


def test_why_for_what_no_policy_chose(merchant: Merchant, arms: list[PromptVersion], editor: User) -> None:
    assert "Nothing had been learned" in why(editor, shown(merchant, arms[0]).pk)
    assert "every prompt is as likely" in why(editor, shown(merchant, arms[0], arm_kind="random").pk)
    original = shown(merchant, None, category_id=arms[0].prompt.category_id)
    assert "No prompt was chosen" in why(editor, original.pk)


def test_why_of_a_version_that_is_gone_takes_the_one_before(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    traffic(merchant, arms, 10)
    learn_once()
    row = shown(merchant, arms[0], issued_at=timezone.now(), policy_version=3)
    assert "Version 3 is not kept any more; these are the figures of version 1" in why(editor, row.pk)


@pytest.mark.parametrize("asked", ["x", str(uuid.UUID(int=7)), "'; drop table"])
def test_why_of_what_is_not_there(editor: User, asked: str) -> None:
    response = as_(editor).get("/policy/why/", {"decision": asked})
    assert response.status_code == 404
    assert "No impression of yours has this decision id." in response.content.decode()


def test_why_of_somebody_elses_decision_is_not_there(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    row = shown(factories.merchant(), arms[0])
    assert as_(editor).get("/policy/why/", {"decision": str(row.pk)}).status_code == 404


# --- compare ----------------------------------------------------------------------------------------


def test_a_comparison_from_asking_to_its_table(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    traffic(merchant, arms, 400)
    learn_once()
    client = as_(editor)
    data = {"merchant": merchant.slug, "kinds": ["linucb", "hybrid"], "alphas": "0.1, 1", "days": "7"}
    response = client.post("/policy/compare/", data, follow=True)
    row = PolicyComparison.objects.get()
    assert response.redirect_chain == [(f"/policy/compare/{row.pk}/", 302)]
    assert "waiting for a worker" in response.content.decode()
    assert "hx-trigger" in response.content.decode()
    assert OutboxEntry.objects.get(job=comparing.JOB).key == str(row.pk)
    response = client.post("/policy/compare/", data)
    assert response.status_code == 422
    assert "is under way" in response.content.decode()

    assert compare_policies(str(row.pk))
    assert not compare_policies(str(row.pk))
    row.refresh_from_db()
    assert (row.status, row.done, row.total, row.rows) == ("done", 5, 5, 400)
    by_name = {(entry["kind"], entry["alpha"]): entry for entry in row.result}
    assert set(by_name) == {("random", 0.0), *((k, a) for k in ("linucb", "hybrid") for a in (0.1, 1.0))}
    logged = by_name["random", 0.0]["logged"]["value"]
    assert by_name["random", 0.0]["dr"]["low"] < logged < by_name["random", 0.0]["dr"]["high"]
    assert by_name["linucb", 1.0]["dr"]["low"] > logged

    page = client.get(f"/policy/compare/{row.pk}/").content.decode()
    assert "hx-trigger" not in page
    assert page.index("LinUCB") < page.index("Random prompts")
    assert "better" in page
    assert "style=" not in page
    partial = client.get(f"/policy/compare/{row.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert partial.lstrip().startswith('<section id="comparison"')
    assert "of 5" not in client.get("/policy/compare/").content.decode()


def test_too_little_to_compare_says_so(merchant: Merchant, arms: list[PromptVersion], editor: User) -> None:
    traffic(merchant, arms, 20)
    row = ask(merchant, arms[0].prompt.category, editor, 30, [Candidate("linucb", 0.5)])
    assert not compare_policies(str(row.pk))
    page = as_(editor).get(f"/policy/compare/{row.pk}/").content.decode()
    assert "20 impressions of the last 30 days can be used, and 200 are needed." in page


def test_a_comparison_goes_on_where_another_worker_died(
    merchant: Merchant, arms: list[PromptVersion], editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic(merchant, arms, 210)
    row = ask(merchant, arms[0].prompt.category, editor, 30, [Candidate("linucb", 0.5), Candidate("ts", 0.5)])
    evaluate, calls = comparing.evaluate, []

    def dies(*args: Any, **fields: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*args, **fields)

    monkeypatch.setattr(comparing, "evaluate", dies)
    with pytest.raises(KeyboardInterrupt):
        compare_policies(str(row.pk))
    assert not compare_policies(str(row.pk))  # the lease is not over
    PolicyComparison.objects.update(started_at=timezone.now() - comparing.LEASE)
    assert compare_policies(str(row.pk))
    row.refresh_from_db()
    assert [entry["kind"] for entry in row.result] == ["random", "linucb", "ts"]
    assert len(calls) == 4


def test_a_failure_is_said_and_leaves_room_for_another(
    merchant: Merchant, arms: list[PromptVersion], editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ask(merchant, arms[0].prompt.category, editor, 30, [Candidate("linucb", 0.5)])
    monkeypatch.setattr(comparing, "pool_log", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        compare_policies(str(row.pk))
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "Something went wrong; the server's log says more.")
    ask(merchant, arms[0].prompt.category, editor, 30, [Candidate("linucb", 0.5)])


def test_the_log_of_a_comparison_is_what_counts_in_time_order(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    Merchant.objects.update(attribution_minutes=60)
    merchant.refresh_from_db()
    old = timezone.now() - timedelta(days=40)
    made = [
        shown(merchant, arms[0], propensity=0.25, clicked_after=timedelta(minutes=59)),
        shown(
            merchant, arms[1], issued_at=timezone.now() - timedelta(hours=3), clicked_after=timedelta(hours=2)
        ),
    ]
    shown(merchant, arms[0], issued_at=old)
    shown(merchant, arms[0], issued_at=timezone.now() - timedelta(minutes=30))
    shown(merchant, arms[0], features={"user": {"bot": True}})
    shown(merchant, arms[0], variant="original")
    shown(merchant, pool(factories.category("Shoes"), 1)[0])
    shown(factories.merchant(), arms[0])
    log = pool_log(merchant, arms[0].prompt.category, timezone.now() - timedelta(days=30), 100)
    assert log.arms == (str(arms[1].pk), str(arms[0].pk))
    assert log.actions.tolist() == [0, 1]
    assert log.rewards.tolist() == [0.0, 1.0]
    assert log.propensities.tolist() == [0.5, 0.25]
    assert len(pool_log(merchant, arms[0].prompt.category, old - timedelta(days=1), 2)) == 2
    assert Impression.objects.filter(pk__in=[row.pk for row in made]).count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"alphas": "a"}, "&#x27;a&#x27; is not a number"),
        ({"alphas": "11"}, "11 is not between 0 and 10"),
        (
            {"alphas": "0,1,2,3,4,5,6", "kinds": ["linucb", "ts"]},
            "14 combinations of policy and α are too many",
        ),
        ({"kinds": []}, "This field is required"),
        ({"days": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_compared(
    merchant: Merchant, arms: list[PromptVersion], editor: User, fields: dict[str, Any], said: str
) -> None:
    shown(merchant, arms[0])
    learn_once()
    data = {"merchant": merchant.slug, "kinds": ["linucb"], "alphas": "0.5", "days": "7"} | fields
    response = as_(editor).post("/policy/compare/", data)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not PolicyComparison.objects.exists()
    assert not OutboxEntry.objects.filter(job=comparing.JOB).exists()


def test_too_many_candidates_are_refused_by_the_service_too(
    merchant: Merchant, arms: list[PromptVersion], editor: User
) -> None:
    with pytest.raises(ComparisonError, match="1 to 12 policies"):
        ask(merchant, arms[0].prompt.category, editor, 7, [])
