"""gunicorn's settings: threads for the waiting, two processes for the work."""

import os

from prometheus_client import multiprocess

workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
timeout = 60
graceful_timeout = 10
keepalive = 15
accesslog = None
loglevel = "warning"
max_requests = 20_000
max_requests_jitter = 2_000


def child_exit(server: object, worker: object) -> None:
    """Drop the gauges of a process that has gone."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined,no-untyped-call]
