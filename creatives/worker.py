"""The worker process: RQ's SimpleWorker with a painter that it keeps warm and hands to the jobs it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import structlog
from django import db
from rq import Queue, SimpleWorker
from rq.job import Job

from creatives.pipeline import Segmenter, StageCache
from creatives.services.painting import Painter

log = structlog.get_logger("worker")


class StopPainting(BaseException):
    """Leaves the painting between two steps of the sampler; not an Exception, so that no attempt counts as failed."""


@dataclass
class Studio:
    """What the jobs of a worker share. ``painter`` is made by ``load`` at its first use and kept."""

    load: Callable[[], Painter]
    cache: StageCache | None = None
    segmenter: Segmenter = field(default_factory=Segmenter)
    stopping: bool = False
    _painter: Painter | None = field(default=None, repr=False)

    @property
    def painter(self) -> Painter:
        if self._painter is None:
            self._painter = self.load()
        return self._painter

    def on_step(self) -> None:
        """Called between the steps of the sampler. Raises StopPainting once the worker is asked to stop."""
        if self.stopping:
            raise StopPainting


current_studio: ContextVar[Studio] = ContextVar("current_studio")
"""The studio of the worker that runs the current job."""


class StudioWorker(SimpleWorker):
    """A worker that owns a studio. SIGTERM ends a painting at its next step and gives its requests back."""

    def __init__(self, *args: Any, studio: Studio, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.studio = studio

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job with the studio at hand and a database connection that is known to be alive."""
        db.close_old_connections()
        token = current_studio.set(self.studio)
        try:
            super().execute_job(job, queue)
        finally:
            current_studio.reset(token)

    def handle_warm_shutdown_request(self) -> None:
        """RQ calls this first on SIGTERM and SIGINT."""
        self.studio.stopping = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
