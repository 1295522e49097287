"""Traffic that no person makes: flagged, kept, and left out of learning and reports alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bandit.events import MAX_SET_ASIDE, Event, record_click, record_events, record_impression
from bandit.filters import CLICKED_SQL, COUNTED_SQL, Rules, counted, declared_flags, is_bot
from bandit.learning import learn_once
from bandit.models import Click, Impression, PendingLesson, Policy, SetAside
from bandit.sifting import sift
from bandit.tokens import seal
from creatives.models import Merchant, PromptVersion
from tests import factories
from tests.bandit_rows import FEATURES, learned, pool, shown, token

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
NONE = Rules(0, 0, 0, 0)
HOUR = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


@pytest.fixture
def version() -> PromptVersion:
    return pool(factories.category("Home"), 1)[0]


def at(merchant: Merchant, version: PromptVersion, user: str, minute: float, **fields: Any) -> Impression:
    """An impression of ``user`` so many minutes after HOUR."""
    when = HOUR + timedelta(minutes=minute)
    return shown(merchant, version, user_key=user * 32, issued_at=when, occurred_at=when, **fields)


def flags() -> dict[str, list[str]]:
    """Flags of all impressions by user."""
    found: dict[str, list[str]] = {}
    for row in Impression.objects.order_by("occurred_at"):
        found.setdefault(row.user_key[0], []).append(",".join(row.flags))
    return found


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
        ("facebookexternalhit/1.1", True),
        ("Baiduspider+(+http://www.baidu.com/search/spider.htm)", True),
        ("Slackbot-LinkExpanding 1.0", True),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 30) Mobile Safari/537.36", False),  # a telephone
        ("python-requests/2.32", False),
        ("", False),
    ],
)
def test_programs_that_say_so(agent: str, expected: bool) -> None:
    assert is_bot(agent) is expected


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"bot": True}, ["bot"]),
        ({"bot": "true"}, ["bot"]),
        ({"device": "Bot"}, ["bot"]),
        ({"user_agent": "Googlebot/2.1"}, ["bot"]),
        ({"bot": False, "device": "mobile"}, []),
        ({}, []),
    ],
)
def test_what_the_recommender_declares(user: dict[str, Any], expected: list[str]) -> None:
    assert declared_flags({"user": user}) == expected


def test_a_declared_bot_is_recorded_and_neither_learned_from_nor_counted(
    merchant: Merchant, version: PromptVersion
) -> None:
    bot = shown(merchant, version, features=FEATURES | {"user": {"bot": True}}, clicked_after=SECOND)
    person = shown(merchant, version)
    assert bot.flags == ["bot"]
    assert [lesson.pk for lesson in PendingLesson.objects.all()] == [person.pk]
    learn_once()
    assert learned(Policy.objects.get()) == {person.pk: (1, 0)}
    assert list(Impression.objects.filter(counted())) == [person]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT i.decision_id, c.decision_id FROM bandit_impression i"
            f" LEFT JOIN bandit_click c ON {CLICKED_SQL} WHERE {COUNTED_SQL}",
            {"window": 60},
        )
        assert cursor.fetchall() == [(person.pk, None)]


def test_a_bots_pixel_is_flagged_and_its_click_is_no_click(
    merchant: Merchant, version: PromptVersion
) -> None:
    made, now = token(merchant, version), timezone.now()
    assert record_impression(made, now, "Googlebot/2.1")
    assert Impression.objects.get().flags == ["bot"]
    assert not record_click(made, now, "Slackbot 1.0")
    assert not Click.objects.exists()
    assert SetAside.objects.values_list("kind", "reason").get() == ("click", "bot")
    assert record_click(made, now, "Mozilla/5.0")  # a person's click after the program's still counts


def test_more_impressions_in_an_hour_than_a_person_sees(merchant: Merchant, version: PromptVersion) -> None:
    for minute in range(4):
        at(merchant, version, "a", minute)
        at(merchant, version, "b", minute if minute < 3 else 60)
    other = factories.merchant()
    at(other, version, "a", 5)
    assert sift(timezone.now(), Rules(3, 0, 0, 0)) == 4
    assert flags() == {"a": ["rate"] * 4 + [""], "b": [""] * 4}
    assert PendingLesson.objects.count() == 5
    assert Impression.objects.filter(flagged_at__isnull=False).count() == 4
    assert sift(timezone.now(), Rules(3, 0, 0, 0)) == 0


def test_one_more_impression_of_a_flagged_hour_is_flagged_too(
    merchant: Merchant, version: PromptVersion
) -> None:
    for minute in range(3):
        at(merchant, version, "a", minute)
    assert sift(timezone.now(), Rules(2, 0, 0, 0)) == 3
    at(merchant, version, "a", 59)
    at(merchant, version, "a", 61)
    assert sift(timezone.now(), Rules(2, 0, 0, 0)) == 1
    assert flags() == {"a": ["rate"] * 4 + [""]}


def test_more_clicks_in_an_hour_than_a_person_makes(merchant: Merchant, version: PromptVersion) -> None:
    for minute in range(4):
        at(merchant, version, "a", minute, clicked_after=SECOND)
        at(merchant, version, "b", minute, clicked_after=SECOND if minute else None)
    assert sift(timezone.now(), Rules(0, 3, 0, 0)) == 4
    assert flags() == {"a": ["rate"] * 4, "b": [""] * 4}


@pytest.mark.parametrize(("after", "expected"), [(99, "fast_click"), (100, ""), (0, ""), (5000, "")])
def test_clicks_sooner_than_a_person_can(
    merchant: Merchant, version: PromptVersion, after: int, expected: str
) -> None:
    at(merchant, version, "a", 0, clicked_after=timedelta(milliseconds=after))
    sift(timezone.now(), Rules(0, 0, 100, 0))
    assert flags() == {"a": [expected]}


def test_a_fast_click_that_came_before_its_impression(merchant: Merchant, version: PromptVersion) -> None:
    made = token(merchant, version, issued_at=HOUR)
    record_click(made, HOUR + timedelta(milliseconds=50))
    sift(timezone.now(), Rules(0, 0, 100, 0))
    Click.objects.update(received_at=timezone.now() - timedelta(hours=2))
    record_impression(made, HOUR)
    assert sift(timezone.now(), Rules(0, 0, 100, 0)) == 1


def test_clicks_again_and_again_are_kept_apart_and_flag_the_impression(
    merchant: Merchant, version: PromptVersion
) -> None:
    made = token(merchant, version, issued_at=HOUR)
    record_impression(made, HOUR)
    for second in range(0, 12, 3):
        record_click(made, HOUR + second * SECOND)
    assert (Click.objects.count(), SetAside.objects.filter(reason="repeat").count()) == (1, 3)
    assert sift(timezone.now(), Rules(0, 0, 0, 4)) == 0
    assert sift(timezone.now(), Rules(0, 0, 0, 3)) == 1
    assert Impression.objects.get().flags == ["repeats"]


def test_the_same_click_sent_again_is_no_repeat(merchant: Merchant, version: PromptVersion) -> None:
    text, when = seal(token(merchant, version)), timezone.now()
    batch = [
        Event("click", text, "c-1", when),
        Event("click", text, "", when + SECOND / 2),
        Event("click", text),
    ]
    for _ in range(2):
        record_events(batch, {merchant.pk})
    assert not SetAside.objects.exists()
    another = [Event("click", text, "c-2", when), Event("click", text, "", when - 5 * SECOND)]
    for _ in range(2):
        record_events([*batch, *another], {merchant.pk})
    assert set(SetAside.objects.values_list("event_id", flat=True)) == {"c-2", ""}
    assert SetAside.objects.count() == 2
    assert Click.objects.count() == 1


def test_what_is_set_aside_of_a_decision_is_bounded(merchant: Merchant, version: PromptVersion) -> None:
    made = token(merchant, version, issued_at=HOUR)
    for second in range(0, 2 * (MAX_SET_ASIDE + 5), 2):
        record_click(made, HOUR + second * SECOND)
    assert SetAside.objects.count() == MAX_SET_ASIDE


def test_rules_that_are_off_flag_nothing(merchant: Merchant, version: PromptVersion) -> None:
    for minute in range(3):
        at(merchant, version, "a", minute / 1000, clicked_after=timedelta(milliseconds=1))
    assert sift(timezone.now(), NONE) == 0
    assert flags() == {"a": ["", "", ""]}


def test_the_learner_sifts_before_it_learns(
    merchant: Merchant, version: PromptVersion, settings: Any
) -> None:
    settings.FILTER_IMPRESSIONS_PER_USER_HOUR = 2
    for minute in range(3):
        at(merchant, version, "a", minute)
    person = at(merchant, version, "b", 0)
    assert learn_once() == 1
    assert learned(Policy.objects.get()) == {person.pk: (1, 0)}
