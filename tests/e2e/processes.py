"""The product's own processes, started on the test database for one test, as the supervisor would start them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "LEARN_SECONDS": "0.5",
    "ROLLUP_SECONDS": "0.5",
    "SWEEP_SECONDS": "0.5",
    "SNAPSHOT_REFRESH_SECONDS": "0.2",
    "GENERATION_LEASE_SECONDS": "60",
    "WEB_WORKERS": "1",
    "WEB_THREADS": "8",
    "LOG_LEVEL": "INFO",
}


class Processes:
    """Web, dispatcher, worker and learner; their logs are shown when a wait runs out."""

    def __init__(self, logs: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = (
            os.environ
            | QUICK
            | {
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
                "STUDIO_USE_TEST_DATABASE": "1",
                "PUBLIC_BASE_URL": self.url,
            }
        )

    def start(self, *names: str) -> None:
        manage = [sys.executable, str(ROOT / "manage.py")]
        commands = {
            "web": [
                sys.executable,
                "-m",
                "gunicorn",
                "config.wsgi",
                "-b",
                f"127.0.0.1:{self.port}",
                "-c",
                "config/gunicorn.py",
            ],
            "dispatcher": [*manage, "dispatch"],
            "worker": [*manage, "work"],
            "learner": [*manage, "learn"],
        }
        for name in names or commands:
            with (self.logs / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    commands[name],
                    cwd=ROOT,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        if not names or "web" in names:
            self.until(self._answers, 60, "the site to answer")

    def kill(self, name: str) -> None:
        """SIGKILL, to the whole group, as the kernel does when memory runs out."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {file.name}\n{file.read_text()[-3000:]}" for file in sorted(self.logs.iterdir())
                )
                raise AssertionError(f"waited {seconds} s for {what}\n{logs}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False


@contextmanager
def processes(logs: Path, *names: str) -> Iterator[Processes]:
    """Run ``names`` (all of them by default) for the time of the block."""
    family = Processes(logs)
    try:
        family.start(*names)
        yield family
    finally:
        family.stop()
