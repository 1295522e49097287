"""A worker process whose sampler takes ``STEP_SECONDS`` × 10: ``python -m tests.concurrency.slow_worker``."""

from __future__ import annotations

import os

import django

django.setup()


def main() -> None:
    """Work on both queues until asked to stop, or until they are empty when ``BURST`` is set."""
    import django_rq

    from creatives.worker import Studio, StudioWorker
    from tests.studio import FlatPainter

    painter = FlatPainter(steps=10, pause=float(os.environ["STEP_SECONDS"]))
    queues = [django_rq.get_queue(name) for name in ("default", "generate")]
    worker = StudioWorker(queues, connection=queues[0].connection, studio=Studio(lambda: painter))
    worker.work(burst="BURST" in os.environ)


if __name__ == "__main__":
    main()
