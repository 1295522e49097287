"""From version to version: late clicks, forgetting, going back, other encodings and kinds, all equal to the log."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bandit import features, learning, lessons, lineage
from bandit.events import record_click
from bandit.features import encoding
from bandit.learning import learn_once, load, rebuild
from bandit.lineage import difference
from bandit.linucb import HybridLinUCB, LinTS, LinUCB
from bandit.models import Click, LearningStep, PendingLesson, Policy, PolicyAction, PoolControl
from bandit.policy_services import PolicyError, roll_back, set_control
from bandit.store import SnapshotStore
from creatives.models import Category, Merchant, PromptVersion, User
from tests import factories
from tests.bandit_rows import FEATURES, learned, pool, shown, token

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
KINDS = {"linucb": LinUCB, "hybrid": HybridLinUCB, "ts": LinTS}


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


@pytest.fixture
def home() -> Category:
    return factories.category("Home")


@pytest.fixture
def arms(home: Category) -> list[PromptVersion]:
    return pool(home, 2)


@pytest.fixture
def owner(merchant: Merchant) -> User:
    return factories.member(merchant, "owner")


def traffic(
    merchant: Merchant, arms: list[PromptVersion], count: int, hours_ago: float = 2
) -> list[uuid.UUID]:
    """Impressions of different shoppers, one a minute, every third clicked; not learned from yet."""
    made = []
    for number in range(count):
        user = {"device": ("mobile", "desktop", "tablet")[number % 3], "age": 20 + number}
        row = shown(
            merchant,
            arms[number % len(arms)],
            features=FEATURES | {"user": user},
            issued_at=timezone.now() - timedelta(hours=hours_ago, minutes=number),
            clicked_after=MINUTE if number % 3 == 0 else None,
        )
        made.append(row.pk)
    return made


def only() -> Policy:
    return Policy.objects.get(is_active=True)


def late_click(merchant: Merchant, pk: uuid.UUID, after: timedelta) -> None:
    row = learning_row(pk)
    record_click(token(merchant, decision_id=pk), row + after)


def learning_row(pk: uuid.UUID) -> Any:
    from bandit.models import Impression

    return Impression.objects.get(pk=pk).occurred_at


# --- clicks that are reported late ------------------------------------------------------------------


def test_a_click_reported_late_is_learned_once_and_as_if_it_had_been_there(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    rows = traffic(merchant, arms, 6)
    learn_once()
    before = load(only())
    late_click(merchant, rows[1], 30 * MINUTE)
    learn_once()
    policy = only()
    assert (policy.current_version, policy.snapshots.get(version=2).clicks) == (2, 3)
    assert policy.snapshots.get(version=2).impressions == 6
    assert learned(policy)[rows[1]] == (2, 1)
    after = load(policy)
    assert after.counts == before.counts
    assert difference(before, after) > 0.1
    PendingLesson.objects.all().delete()
    assert difference(after, rebuild(policy)) < 1e-9
    learn_once()
    assert only().current_version == 2


@pytest.mark.parametrize("after", [61 * MINUTE, 60 * MINUTE + timedelta(milliseconds=1)])
def test_a_click_out_of_time_is_settled_and_changes_nothing(
    merchant: Merchant, arms: list[PromptVersion], after: timedelta
) -> None:
    rows = traffic(merchant, arms, 3)
    learn_once()
    late_click(merchant, rows[1], after)
    learn_once()
    assert only().current_version == 1
    assert Click.objects.get(pk=rows[1]).settled_at is not None


def test_clicks_that_are_no_reward_are_settled_and_those_that_may_be_wait(
    merchant: Merchant, arms: list[PromptVersion]
) -> None:
    original = shown(merchant, arms[0], variant="original", clicked_after=MINUTE).pk
    flagged = shown(merchant, arms[0], features={"user": {"bot": True}}, clicked_after=MINUTE).pk
    early = shown(merchant, arms[0], issued_at=timezone.now() - MINUTE, clicked_after=timedelta(seconds=1)).pk
    orphan, old = token(merchant, arms[0]), token(merchant, arms[0])
    for made in (orphan, old):
        record_click(made, made.issued_at)
    Click.objects.filter(pk=old.decision_id).update(received_at=timezone.now() - timedelta(days=4))
    learn_once()
    waiting = set(Click.objects.filter(settled_at__isnull=True).values_list("pk", flat=True))
    assert waiting == {early, orphan.decision_id}
    assert not {original, flagged, old.decision_id} & waiting


def test_a_late_click_of_what_was_rolled_back_is_not_learned(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    traffic(merchant, arms, 2)
    learn_once()
    gone = traffic(merchant, arms, 3)
    learn_once()
    roll_back(only().pk, 1, owner)
    late_click(merchant, gone[1], MINUTE)
    learn_once()
    assert only().current_version == 1
    assert difference(load(only()), rebuild(only())) < 1e-9


# --- forgetting, and the log ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("half_life", [None, 3.0])
def test_the_log_gives_what_was_learned_online(
    merchant: Merchant, home: Category, owner: User, kind: str, half_life: float | None
) -> None:
    """Whatever the batches, with late clicks, a prompt that came later, and forgetting."""
    set_control(merchant, home, owner, kind=kind, half_life_hours=half_life)
    arms = pool(home, 2)
    first = traffic(merchant, arms, 5, hours_ago=20)
    learn_once(timezone.now() - timedelta(hours=18))
    traffic(merchant, [*arms, *pool(home, 1)], 7, hours_ago=9)
    learn_once(timezone.now() - timedelta(hours=5))
    late_click(merchant, first[2], 20 * MINUTE)
    traffic(merchant, arms, 4, hours_ago=2)
    learn_once()
    policy = only()
    assert (policy.kind, policy.current_version, policy.half_life_hours) == (kind, 4, half_life)
    online = load(policy)
    assert type(online) is KINDS[kind]
    assert difference(online, rebuild(policy)) < 1e-9
    assert sum(online.counts.values()) == 16
    if half_life:
        assert sum(online.worth.values()) < 7


def test_a_batch_at_a_time_or_all_at_once_is_the_same(
    merchant: Merchant, arms: list[PromptVersion], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_control(merchant, arms[0].prompt.category, owner, half_life_hours=2.0)
    traffic(merchant, arms, 9, hours_ago=5)
    monkeypatch.setattr(learning, "BATCH", 2)
    learn_once()
    policy = only()
    assert policy.current_version == 5
    # All at once: the lineage of a policy that starts from nothing and reads the whole log.
    assert difference(load(policy), rebuild(policy)) < 1e-9


def test_a_change_of_half_life_is_computed_from_the_log(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    traffic(merchant, arms, 6, hours_ago=9)
    learn_once()
    assert load(only()).half_life is None
    set_control(merchant, arms[0].prompt.category, owner, half_life_hours=4.0)
    traffic(merchant, arms, 1)
    learn_once()
    policy, model = only(), load(only())
    assert (policy.current_version, model.half_life) == (3, 4.0 * 3600)
    assert sum(model.counts.values()) == 7
    assert 2 < sum(model.worth.values()) < 4
    assert difference(model, rebuild(policy)) < 1e-9
    assert [step.kind for step in policy.steps.order_by("version")] == ["lessons", "rebuild", "lessons"]


def test_the_command_rebuilds_and_says_how_far_it_is(
    merchant: Merchant, arms: list[PromptVersion], capsys: pytest.CaptureFixture[str]
) -> None:
    traffic(merchant, arms, 5)
    learn_once()
    before = load(only())
    call_command("learn", "--rebuild", "--merchant", merchant.slug)
    said = capsys.readouterr().out
    assert said.startswith(f"{merchant.slug} Home: version 1 computed anew as version 2, largest difference ")
    assert float(said.split()[-1]) < 1e-9
    assert difference(before, load(only())) < 1e-9
    assert only().snapshots.get(version=2).impressions == 5
    with pytest.raises(CommandError, match="no policy of a merchant 'nobody'"):
        call_command("learn", "--rebuild", "--merchant", "nobody")


# --- going back -------------------------------------------------------------------------------------


def test_going_back_and_learning_on_makes_a_version_nobody_had(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    for _ in range(3):
        traffic(merchant, arms, 2)
        learn_once()
    policy = roll_back(only().pk, 1, owner)
    assert policy.current_version == 1
    traffic(merchant, arms, 3)
    learn_once()
    policy = only()
    assert policy.current_version == 4
    step = LearningStep.objects.get(policy=policy, version=4)
    assert (step.parent_version, policy.snapshots.get(version=4).impressions) == (1, 5)
    assert sum(load(policy).counts.values()) == 5
    assert difference(load(policy), rebuild(policy)) < 1e-9
    assert PolicyAction.objects.values_list("what", "user").get() == (
        "From version 3 to version 1.",
        owner.pk,
    )
    roll_back(policy.pk, 3, owner)
    assert sum(load(only()).counts.values()) == 6


def test_a_version_that_is_not_there_cannot_be_gone_back_to(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    traffic(merchant, arms, 2)
    learn_once()
    for version, problem in ((7, "is not kept"), (0, "is not kept"), (1, "in use already")):
        with pytest.raises(PolicyError, match=problem):
            roll_back(only().pk, version, owner)
    assert only().current_version == 1
    assert not PolicyAction.objects.exists()


def test_the_version_in_use_is_never_thinned_out(
    merchant: Merchant, arms: list[PromptVersion], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "BATCH", 1)
    traffic(merchant, arms[:1], 3)
    learn_once()
    roll_back(only().pk, 2, owner)
    set_control(merchant, arms[0].prompt.category, owner, is_frozen=True)
    traffic(merchant, arms[:1], 1)
    assert learn_once() == 0
    assert (only().current_version, PendingLesson.objects.count()) == (2, 1)
    set_control(merchant, arms[0].prompt.category, owner, is_frozen=False)
    assert learn_once() == 1
    assert only().current_version == 4


# --- other encodings and kinds ----------------------------------------------------------------------


@pytest.fixture
def second_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 2 has fewer buckets and another order of fields."""
    first = encoding(1)
    changed = features.Encoding(2, tuple(reversed(first.fields)), 9)
    monkeypatch.setitem(features.ENCODINGS, 2, changed)


def use_encoding(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lineage, lessons):
        monkeypatch.setattr(module, "CURRENT_VERSION", version)


@pytest.mark.usefixtures("second_encoding")
def test_a_new_encoding_is_a_new_lineage_that_knows_the_log(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = traffic(merchant, arms, 5)
    learn_once()
    late_click(merchant, rows[1], MINUTE)
    learn_once()
    old = only()
    use_encoding(2, monkeypatch)
    traffic(merchant, arms, 2)
    learn_once()
    new = only()
    assert (new.encoding_version, new.current_version) == (2, 2)
    assert new.snapshots.get(version=2).impressions == 7
    assert new.snapshots.get(version=1).clicks == 3
    model = load(new)
    assert model.n_features == features.ENCODINGS[2].n_features
    assert sum(model.counts.values()) == 7
    assert difference(model, rebuild(new)) < 1e-9
    old.refresh_from_db()
    assert (old.is_active, old.current_version) == (False, 2)
    step = LearningStep.objects.get(policy=new, version=1)
    assert (step.kind, step.parent_id, step.parent_version) == ("rebuild", old.pk, 2)


@pytest.mark.usefixtures("second_encoding")
def test_an_older_release_leaves_a_newer_encoding_alone_and_serves_what_it_knows(
    merchant: Merchant, arms: list[PromptVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_encoding(2, monkeypatch)
    traffic(merchant, arms, 2)
    learn_once()
    use_encoding(1, monkeypatch)
    traffic(merchant, arms, 2)
    assert learn_once() == 0
    assert (only().encoding_version, PendingLesson.objects.count()) == (2, 2)
    key = (merchant.pk, arms[0].prompt.category_id)
    assert SnapshotStore().policies([key])[key].encoding_version == 2
    monkeypatch.delitem(features.ENCODINGS, 2)
    assert SnapshotStore().policies([key])[key].version == 0


def test_another_kind_takes_over_with_all_that_was_learned_and_back_again(
    merchant: Merchant, arms: list[PromptVersion], owner: User
) -> None:
    category = arms[0].prompt.category
    traffic(merchant, arms, 4)
    learn_once()
    set_control(merchant, category, owner, kind="hybrid")
    key = (merchant.pk, category.pk)
    assert SnapshotStore().policies([key])[key].state["policy"] == "LinUCB"  # until the other is ready
    traffic(merchant, arms, 3)
    learn_once()
    assert (only().kind, sum(load(only()).counts.values())) == ("hybrid", 7)
    assert SnapshotStore().policies([key])[key].state["policy"] == "HybridLinUCB"
    set_control(merchant, category, owner, kind="linucb")
    traffic(merchant, arms, 2)
    learn_once()
    policy = only()
    assert (policy.kind, policy.current_version) == ("linucb", 3)
    assert sum(load(policy).counts.values()) == 9
    assert difference(load(policy), rebuild(policy)) < 1e-9
    assert policy.snapshots.get(version=3).impressions == 9


# --- new prompts and several learners ---------------------------------------------------------------


def test_a_new_prompt_starts_from_the_others_and_a_new_pool_from_the_one_above(
    merchant: Merchant, home: Category, arms: list[PromptVersion]
) -> None:
    traffic(merchant, arms, 30)
    learn_once()
    late = pool(home, 1)
    traffic(merchant, late, 1)
    learn_once()
    model = load(only())
    assert model.prior([late[0].pk]).strength == 1.0
    x = encoding(1).encode(**FEATURES)[np.newaxis]
    others = model.estimates(x, [arm.pk for arm in arms])[0].mean()
    assert abs(model.estimates(x, [late[0].pk])[0][0, 0] - others) < 0.15
    below = pool(factories.category("Home > Kitchen"), 1)
    shown(merchant, below[0])
    learn_once()
    kitchen = Policy.objects.get(category__path="Home > Kitchen")
    assert load(kitchen).estimates(x, [below[0].pk])[0][0, 0] > 0.15
    assert difference(load(kitchen), rebuild(kitchen)) < 1e-9
    stranger = pool(factories.category("Shoes"), 1)
    shown(merchant, stranger[0])
    learn_once()
    assert load(Policy.objects.get(category__path="Shoes")).estimates(x, [stranger[0].pk])[0][0, 0] == 0.0


def test_learners_side_by_side_take_categories_of_their_own(merchant: Merchant) -> None:
    for number in range(6):
        shown(merchant, pool(factories.category(f"Pool {number}"), 1)[0])
    for number in (1, 2, 3):
        call_command("learn", "--once", "--share", f"{number}/3")
    assert not PendingLesson.objects.exists()
    assert Policy.objects.filter(current_version=1).count() == 6
    with pytest.raises(CommandError, match="--share: '4/3' is not N/M"):
        call_command("learn", "--once", "--share", "4/3")


def test_a_control_says_which_field_is_wrong_and_changes_nothing(
    merchant: Merchant, home: Category, owner: User
) -> None:
    set_control(merchant, home, owner, alpha=0.3)
    for changes, problem in (
        ({"alpha": 11.0}, "α: .*10"),
        ({"exploration": -0.1}, "random share: .*0"),
        ({"serve": "nothing"}, "shows: .*nothing"),
        ({"salt": 1}, "salt is none of"),
    ):
        with pytest.raises(PolicyError, match=problem):
            set_control(merchant, home, owner, **{"newcomer_share": 0.2, **changes})
    control = PoolControl.objects.get()
    assert (control.alpha, control.exploration, control.newcomer_share) == (0.3, None, 0.05)
    assert PolicyAction.objects.values_list("what", flat=True).get() == "α: default → 0.3"
