"""Comparisons of profiles: what is asked for, what a worker writes, and what it leaves when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from creatives.models import ComparisonEntry, Merchant, OutboxEntry, ProfileComparison
from creatives.pipeline import CheckpointError, open_image
from creatives.pipeline.profiles import CheckpointProfile
from creatives.services.comparisons import ComparisonError, Subject, paint_entry, start_comparison
from creatives.services.files import load
from creatives.services.sweeper import sweep
from creatives.worker import StopPainting
from tests import factories, studio

pytestmark = pytest.mark.django_db


class Painter(studio.FlatPainter):
    """A flat painter that can be loaded and weighed."""

    def warm(self) -> None:
        if self.faults.get("loading"):
            raise self.faults["loading"]

    def footprint(self) -> dict[str, Any]:
        return {"device": "cpu", "weights_bytes": 12, "peak_bytes": None}


def lend(**facts: Any) -> Callable[[CheckpointProfile], Any]:
    @contextmanager
    def lent(profile: CheckpointProfile) -> Iterator[Painter]:
        yield Painter(profile=profile, **facts)

    return lent


def asked(*names: str, size: tuple[int, int] = (300, 250)) -> ProfileComparison:
    merchant = factories.merchant()
    subject = Subject(studio.photo(merchant).sha256, "an oak table", size, seed=5)
    return start_comparison(merchant, subject, names or ("studio-tiny",))


def test_every_profile_is_a_job_of_its_own() -> None:
    made = asked("studio-tiny", "sd15", "sd15")
    entries = list(made.entries.values_list("profile", "status", "step", "steps"))
    assert [(name, status, step) for name, status, step, _ in entries] == [
        ("studio-tiny", "queued", 0),
        ("sd15", "queued", 0),
    ]
    assert entries[1][3] == 25
    keys = {str(pk) for pk in made.entries.values_list("pk", flat=True)}
    assert set(OutboxEntry.objects.filter(job="compare").values_list("key", flat=True)) == keys


@pytest.mark.parametrize(
    ("names", "size", "message"),
    [
        ((), (300, 250), "no profile was chosen"),
        (("studio-tiny", "sd3"), (300, 250), "no checkpoint profile 'sd3'"),
        (("studio-tiny",), (2000, 40), "aspect ratio of 50"),
    ],
)
def test_a_comparison_that_cannot_be_made_writes_nothing(
    names: tuple[str, ...], size: tuple[int, int], message: str
) -> None:
    merchant = factories.merchant()
    with pytest.raises(ComparisonError, match=message):
        start_comparison(merchant, Subject("0" * 64, "x", size), names)
    assert not ProfileComparison.objects.exists()
    assert not OutboxEntry.objects.exists()


def test_the_picture_is_stored_with_what_it_took() -> None:
    (entry,) = asked(size=(336, 280)).entries.all()
    seen = []
    assert paint_entry(entry.pk, lend(steps=3), on_step=lambda: seen.append(_step(entry)))
    entry.refresh_from_db()
    assert seen == [1, 2, 3]
    assert (entry.status, entry.step, entry.attempts, entry.error) == ("done", entry.steps, 1, "")
    assert open_image(load(str(entry.final.name))).rgb.shape == (280, 336, 3)
    assert open_image(load(str(entry.generated.name))).rgb.shape == (256, 320, 3)
    assert entry.facts["bucket"] == "320x256"
    assert (entry.facts["device"], entry.facts["weights_bytes"]) == ("cpu", 12)
    assert entry.facts["verdict"] in ("pass", "doubtful", "fail")
    assert entry.seconds is not None
    assert not paint_entry(entry.pk, lend())  # done is done


def _step(entry: ComparisonEntry) -> int:
    return ComparisonEntry.objects.get(pk=entry.pk).step


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"loading": CheckpointError("profile sdxl: no weights")}, "profile sdxl: no weights"),
        ({"oak": ValueError("bucket 1x1 is not one of them")}, "bucket 1x1 is not one of them"),
    ],
)
def test_what_another_attempt_would_meet_again_fails_at_once(fault: dict[str, Exception], error: str) -> None:
    (entry,) = asked().entries.all()
    assert not paint_entry(entry.pk, lend(faults=fault))
    entry.refresh_from_db()
    assert (entry.status, entry.error, entry.attempts) == ("failed", error, 1)


def test_other_errors_are_tried_twice() -> None:
    (entry,) = asked().entries.all()
    OutboxEntry.objects.all().delete()
    broken = lend(faults={"oak": RuntimeError("CUDA out of memory")})
    assert not paint_entry(entry.pk, broken)
    entry.refresh_from_db()
    assert (entry.status, entry.error) == ("queued", "RuntimeError: CUDA out of memory")
    assert OutboxEntry.objects.get().key == str(entry.pk)
    assert not paint_entry(entry.pk, broken)
    entry.refresh_from_db()
    assert (entry.status, entry.attempts) == ("failed", 2)


def test_a_stop_gives_the_entry_back_untried() -> None:
    (entry,) = asked().entries.all()

    def stop() -> None:
        raise StopPainting

    with pytest.raises(StopPainting):
        paint_entry(entry.pk, lend(), on_step=stop)
    entry.refresh_from_db()
    assert (entry.status, entry.attempts, entry.step) == ("queued", 0, 0)
    assert paint_entry(entry.pk, lend())


def test_a_job_s_time_limit_ends_it_for_good() -> None:
    (entry,) = asked().entries.all()
    with pytest.raises(JobTimeoutException):
        paint_entry(entry.pk, lend(faults={"oak": JobTimeoutException("900 s")}))
    entry.refresh_from_db()
    assert (entry.status, entry.error) == ("failed", "it took longer than a job may")


def test_an_entry_whose_worker_died_is_found_and_given_up_after_the_second() -> None:
    (entry,) = asked().entries.all()
    OutboxEntry.objects.all().delete()
    running = ComparisonEntry.objects.filter(pk=entry.pk)
    running.update(status="running", attempts=1)
    running.update(due_at=timezone.now() + timedelta(seconds=60))
    OutboxEntry.objects.all().delete()
    assert not paint_entry(entry.pk, lend())  # somebody has it
    assert not _woken(entry)
    running.update(due_at=timezone.now() - timedelta(seconds=1))
    assert _woken(entry)
    running.update(attempts=2)
    assert not paint_entry(entry.pk, lend())
    entry.refresh_from_db()
    assert (entry.status, entry.error) == ("failed", "its worker stopped answering")


def _woken(entry: ComparisonEntry) -> bool:
    sweep()
    return OutboxEntry.objects.filter(job="compare", key=str(entry.pk)).exists()


def test_a_worker_that_was_overtaken_writes_nothing() -> None:
    (entry,) = asked().entries.all()

    def overtake() -> None:
        ComparisonEntry.objects.filter(pk=entry.pk).update(attempts=2)

    paint_entry(entry.pk, lend(), on_step=overtake)
    entry.refresh_from_db()
    assert (entry.status, entry.attempts, entry.final.name) == ("running", 2, "")


def test_an_unsafe_picture_says_so() -> None:
    (entry,) = asked().entries.all()
    assert paint_entry(entry.pk, lend(is_unsafe=True))
    entry.refresh_from_db()
    assert entry.facts["verdict"] == "fail"


def test_the_job_lends_the_worker_s_painter_and_lets_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    from creatives import jobs
    from creatives.worker import Studio, current_studio

    merchant: Merchant = factories.merchant()
    subject = Subject(studio.photo(merchant).sha256, "an oak table", (300, 250))
    own, other = start_comparison(merchant, subject, ["studio-tiny", "sd15"]).entries.all()
    closed: list[str] = []

    class Lent(Painter):
        def close(self) -> None:
            closed.append(self.profile.name)

    monkeypatch.setattr(jobs, "painter_of", lambda profile, cache: Lent(profile=profile))
    mine = Lent()
    token = current_studio.set(Studio(lambda: mine))
    try:
        assert jobs.compare(str(own.pk))
        assert jobs.compare(str(other.pk))
    finally:
        current_studio.reset(token)
    assert mine.batches == [1]
    assert closed == ["sd15"]
