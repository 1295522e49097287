"""Whatever dies when, and however many learners run: state and marks agree, and each impression is learned once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from bandit import learning
from bandit.learning import learn_once, load, rebuild
from bandit.lessons import due_pools
from bandit.lineage import lock_pool
from bandit.models import LearningStep, PausedPrompt, PendingLesson, Policy, PolicySnapshot
from bandit.policy_services import PolicyError, roll_back
from bandit.safety import Harm, pause_harmful
from tests import factories
from tests.bandit_rows import learned, pool, shown
from tests.unit.test_policy_safety import originals, taught

pytestmark = pytest.mark.django_db(transaction=True)

# The victim learns in batches of five and dies at the given step of its second batch.
VICTIM = """
import os, signal, sys, django
django.setup()
from bandit import learning
step, when = sys.argv[1:]
inner, calls = getattr(learning, step), []

def fatal(*args, **kwargs):
    calls.append(step)
    if len(calls) == 2 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = inner(*args, **kwargs)
    if len(calls) == 2 and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(learning, step, fatal)
learning.BATCH = 5
learning.learn_once()
"""
STEPS = [
    ("take", "after"),
    ("load", "before"),
    ("teach", "after"),
    ("publish", "before"),
    ("publish", "after"),
    ("learn_batch", "after"),
]


def log_of(count: int) -> None:
    merchant = factories.merchant()
    versions = pool(factories.category("Home"), 3)
    for number in range(count):
        shown(merchant, versions[number % 3], clicked_after=timedelta(minutes=1) if number % 4 == 0 else None)


def assert_consistent(policy: Policy) -> None:
    """The state holds what the steps say: no more, no less, no other, and nothing that still waits."""
    online, log = load(policy).state(), rebuild(policy).state()
    order = [log["arms"].index(arm) for arm in online["arms"]]
    for name in ("A", "b", "counts"):
        np.testing.assert_allclose(online[name], log[name][order], rtol=0, atol=1e-9)
    marked = learned(policy)
    snapshot = policy.snapshots.get(version=policy.current_version)
    assert (snapshot.impressions, snapshot.clicks) == (
        len(marked),
        sum(reward for _, reward in marked.values()),
    )
    assert int(online["counts"].sum()) == len(marked)
    assert sum(len(step.rewards) for step in LearningStep.objects.all()) == len(marked)
    assert not set(marked) & set(PendingLesson.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(("step", "when"), STEPS)
def test_a_learner_killed_at_any_step_leaves_whole_batches(step: str, when: str) -> None:
    log_of(12)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "STUDIO_USE_TEST_DATABASE": "1",
    }
    victim = subprocess.run(
        [sys.executable, "-c", VICTIM, step, when], env=environment, timeout=60, check=False
    )
    assert victim.returncode == -signal.SIGKILL
    policy = Policy.objects.get()
    batches = 2 if step == "learn_batch" else 1
    assert policy.current_version == PolicySnapshot.objects.count() == batches
    assert (len(learned(policy)), PendingLesson.objects.count()) == (5 * batches, 12 - 5 * batches)
    assert_consistent(policy)

    assert learn_once() == 12 - 5 * batches
    policy.refresh_from_db()
    assert (len(learned(policy)), PendingLesson.objects.count()) == (12, 0)
    assert_consistent(policy)


def test_the_command_stops_when_it_is_told_to() -> None:
    environment = os.environ | {"STUDIO_USE_TEST_DATABASE": "1", "LEARN_SECONDS": "0.2"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    log_of(3)
    learner = subprocess.Popen([sys.executable, "manage.py", "learn"], env=environment)
    try:
        deadline = time.monotonic() + 60
        while not PolicySnapshot.objects.exists():
            assert time.monotonic() < deadline
            assert learner.poll() is None
            time.sleep(0.1)
        learner.send_signal(signal.SIGTERM)
        assert learner.wait(timeout=15) == 0
    finally:
        learner.kill()
    assert_consistent(Policy.objects.get())


def test_two_learners_learn_as_much_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    log_of(40)
    monkeypatch.setattr(learning, "BATCH", 7)
    start = Barrier(2)

    def learner() -> int:
        try:
            start.wait()
            return learn_once()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        counts = [task.result() for task in [threads.submit(learner) for _ in range(2)]]
    assert sum(counts) == 40
    policy = Policy.objects.get()
    assert policy.current_version == PolicySnapshot.objects.count()
    assert_consistent(policy)


def test_going_back_while_it_learns_gives_no_version_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    log_of(60)
    monkeypatch.setattr(learning, "BATCH", 3)
    learning.learn_batch(*due_pools(timezone.now())[0], timezone.now())
    policy, owner = Policy.objects.get(), factories.admin()
    start = Barrier(2)

    def learner() -> None:
        try:
            start.wait()
            learn_once()
        finally:
            connection.close()

    def undecided() -> None:
        try:
            start.wait()
            for _ in range(6):
                with suppress(PolicyError):
                    roll_back(policy.pk, 1, owner)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        for task in [threads.submit(learner), threads.submit(undecided)]:
            task.result()
    policy.refresh_from_db()
    versions = list(LearningStep.objects.order_by("version").values_list("version", flat=True))
    assert versions == list(range(1, 21))
    assert not PendingLesson.objects.exists()
    online, log = load(policy).state(), rebuild(policy).state()
    order = [log["arms"].index(arm) for arm in online["arms"]]
    np.testing.assert_allclose(online["A"], log["A"][order], rtol=0, atol=1e-9)
    assert int(online["counts"].sum()) == len(learned(policy))


def test_two_looks_at_once_leave_one_prompt() -> None:
    """Each finds another of two prompts worse than the original; the second waits for the first, and counts anew."""
    merchant, category = factories.merchant(), factories.category("Home")
    first, second = pool(category, 2)
    original = originals(0.2, 5000)

    def look(bad: int, good: int) -> list[Harm]:
        return pause_harmful(merchant.pk, category.pk, taught({bad: 0.02, good: 0.2}, 3000), original)

    def other() -> list[Harm]:
        try:
            return look(second.pk, first.pk)
        finally:
            connection.close()

    with transaction.atomic():
        lock_pool(merchant.pk, category.pk)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert [harm.arm for harm in look(first.pk, second.pk)] == [first.pk]
            task = threads.submit(other)
            assert not wait([task], timeout=1.0).done
        assert task.result() == []
    assert PausedPrompt.objects.get().prompt_version_id == first.pk
