"""`make run`'s supervisor: it starts, restarts what dies, stops cleanly, and starts again after being killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.e2e


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """A supervisor on a folder and a port of its own."""

    def __init__(self, base: Path) -> None:
        self.base, self.port = base, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.output = base.parent / f"{base.name}.out"

    def start(self) -> None:
        environment = os.environ | {
            "STUDIO_VAR": str(self.base),
            "PORT": str(self.port),
            "DEMO": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        }
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.up"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        self.until(self.ready, 120)

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.text()
        if "Ready after" not in self.text():
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def text(self) -> str:
        return self.output.read_text()

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children()

    def child(self, word: str) -> psutil.Process:
        return next(child for child in self.children() if any(word in part for part in child.cmdline()))

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="up-") as folder:
        os.chmod(folder, 0o755)  # the server's own user must reach its folder when we are root
        site = Site(Path(folder) / "var")
        site.base.mkdir()
        site.start()
        yield site
        if site.process and site.process.poll() is None:
            site.process.send_signal(signal.SIGINT)
            site.process.wait(40)


def test_it_restarts_stops_and_survives_a_kill(site: Site) -> None:
    assert site.process is not None
    for word in ("gunicorn", "dispatch", "work", "learn", "postgres", "redis-server"):
        assert site.child(word).is_running()

    # A process that dies comes back, the servers too.
    for word in ("dispatch", "gunicorn", "postgres"):
        before = site.child(word)
        before.send_signal(signal.SIGKILL)
        before.wait(10)
        site.until(
            lambda word=word, old=before.pid: any(  # type: ignore[misc]
                child.pid != old and any(word in part for part in child.cmdline())
                for child in site.children()
            ),
            30,
        )
        site.until(site.ready, 30)
    assert "dispatcher stopped" in site.text()
    assert "Postgres stopped" in site.text()

    # A second one on the same folder says so and leaves the first alone.
    second = subprocess.run(
        [sys.executable, "-m", "config.up"],
        cwd=ROOT,
        env=os.environ | {"STUDIO_VAR": str(site.base), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 2
    assert "Already running" in second.stdout

    # Killed outright, nothing is left behind, and the next start works on the same data.
    family = site.children()
    site.process.kill()
    site.process.wait(10)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    site.output.write_text("")
    site.start()

    # Ctrl-C stops all of it cleanly.
    family = site.children()
    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(40) == 0
    assert "Stopped." in site.text()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert not (site.base / "postgres" / "postmaster.pid").exists()


def test_a_taken_port_is_named() -> None:
    with tempfile.TemporaryDirectory(prefix="up-") as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "config.up"],
            cwd=ROOT,
            env=os.environ | {"STUDIO_VAR": folder, "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        assert f"port {port} is in use" in done.stdout
        assert os.listdir(folder) == ["up.lock"]


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_port_that_is_none_is_refused(port: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.up"],
        cwd=ROOT,
        env=os.environ | {"STUDIO_VAR": str(tmp_path), "PORT": port},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert f"PORT='{port}' is not a port number from 1 to 65535" in done.stdout
