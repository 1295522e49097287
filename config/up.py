"""`make run`: the servers and every process of the product on one machine, started in order and kept alive.

The supervisor itself imports no Django. A process that dies is started again with back-off; when the supervisor is killed
outright the kernel stops its children (Linux), and the next start stops whatever was left over.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config import services

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
STOP_SECONDS = 15
BACKOFF_SECONDS = (0.5, 1, 2, 5, 10, 30)
HEALTHY_AFTER_SECONDS = 30
# glibc hands large tensors back to the kernel at every free, and the page faults then cost more than the painting.
PAINTER_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "OMP_WAIT_POLICY": "PASSIVE",
}
DEMO_SIGN_INS = (
    ("merchant", "merchant@demo.test"),
    ("reviewer", "reviewer@demo.test"),
    ("admin", "admin@demo.test"),
)


class StartError(RuntimeError):
    """The product could not be started; the message says why and what to do."""


@dataclass
class Child:
    """A supervised process: its command, its log, and its restarts."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log_folder: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it; its output is appended to ``<name>.log``."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        with (self.log_folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=dict(self.environment),
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.started = time.monotonic()

    def check(self, now: float) -> None:
        """Notice a death, say so, and start again when its pause is over."""
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        if now - self.started > HEALTHY_AFTER_SECONDS:
            self.failures = 0
        pause = BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS) - 1)]
        self.failures += 1
        self.restart_at = now + pause
        self.process = None
        say(
            f"{self.name} stopped (exit {code}), starting again in {pause} s; see {self.log_folder / self.name}.log"
        )

    def stop(self) -> None:
        """Ask it to stop."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until it has stopped; past ``deadline`` its whole group is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def say(text: str) -> None:
    """One line to the person at the terminal."""
    print(text, flush=True)


def die_with_parent(signal_number: int) -> Callable[[], None] | None:
    """A pre-exec hook that has Linux send ``signal_number`` to the child when the supervisor dies, however it dies."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal_number)  # 1 = PR_SET_PDEATHSIG


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Start everything, keep it alive until SIGINT or SIGTERM, stop it. Returns the exit code."""
    base = Path(environment.get("STUDIO_VAR", ROOT / "var")).resolve()
    base.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits SIGINT ignored
        signal.signal(number, _interrupt)
    lock = _take_lock(base)
    if lock is None:
        say(
            f"Already running on this folder ({base}). Stop that one first, or set STUDIO_VAR to another folder."
        )
        return 2
    try:
        return _run(base, dict(environment))
    except (StartError, services.ServiceError) as error:
        say(f"Could not start: {error}")
        return 1
    finally:
        lock.close()


def _run(base: Path, environment: dict[str, str]) -> int:
    port = _free_port(environment.get("PORT", str(DEFAULT_PORT)))
    host = environment.get("HOST", "127.0.0.1")
    environment |= {"STUDIO_VAR": str(base), "PROMETHEUS_MULTIPROC_DIR": str(_fresh_folder(base / "metrics"))}
    environment.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    environment.setdefault("PUBLIC_BASE_URL", f"http://127.0.0.1:{port}")
    started = time.monotonic()
    servers: list[tuple[services.Service, subprocess.Popen[bytes]]] = []
    children = [
        Child(name, command, environment, base / "log") for name, command in _commands(host, port).items()
    ]
    try:
        servers += _start_servers(base, environment)
        _prepare(environment)
        for child in children:
            child.start()
        _wait_until_ready(port, children[0])
        _welcome(port, base, time.monotonic() - started)
        _watch(children, servers)
    except KeyboardInterrupt:
        say("\nStopping …")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop(children, servers)
    say("Stopped.")
    return 0


def _commands(host: str, port: int) -> dict[str, list[str]]:
    python, manage = sys.executable, str(ROOT / "manage.py")
    web = [
        python,
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        f"{host}:{port}",
        "--config",
        str(ROOT / "config/gunicorn.py"),
    ]
    return {
        "web": web,
        "dispatcher": [python, manage, "dispatch"],
        "painter": [python, manage, "work", "generate"],
        "worker": [python, manage, "work", "default"],
        "learner": [python, manage, "learn"],
    }


def _start_servers(
    base: Path, environment: Mapping[str, str]
) -> list[tuple[services.Service, subprocess.Popen[bytes]]]:
    servers: list[tuple[services.Service, subprocess.Popen[bytes]]] = []
    if not environment.get("DATABASE_URL"):
        postgres = services.Postgres(base)
        say(
            "PostgreSQL: starting"
            if postgres.exists()
            else "PostgreSQL: making a new cluster (once) and starting"
        )
        postgres.stop_leftover()
        postgres.init()
        servers.append((postgres, services.start(postgres, on_exec=die_with_parent(signal.SIGINT))))
        postgres.create_database()
    if not environment.get("REDIS_URL"):
        say("Redis: starting")
        redis = services.Redis(base)
        redis.stop_leftover()
        servers.append((redis, services.start(redis, on_exec=die_with_parent(signal.SIGINT))))
    return servers


def _prepare(environment: Mapping[str, str]) -> None:
    for label, command in (
        ("Database: migrating", ["migrate", "--noinput", "--verbosity", "0"]),
        ("Static files: collecting", ["collectstatic", "--noinput", "--verbosity", "0"]),
        ("Demo merchant: loading unless it is there", ["load_demo"]),
    ):
        if command[0] == "load_demo" and environment.get("DEMO", "1") == "0":
            continue
        say(label)
        manage = [sys.executable, str(ROOT / "manage.py"), *command]
        quiet = {**environment, "LOG_LEVEL": "WARNING", "LOG_FORMAT": "text"}
        done = subprocess.run(manage, check=False, env=quiet, cwd=ROOT, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise StartError(
                f"`manage.py {command[0]}` failed with exit code {done.returncode}; its message stands above"
            )


def _wait_until_ready(port: int, web: Child, timeout: float = 180) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            web.check(time.monotonic())
            time.sleep(0.2)
    raise StartError(
        f"the site did not become ready within {timeout:.0f} s; see {web.log_folder / 'web.log'}"
    )


def _watch(children: list[Child], servers: list[tuple[services.Service, subprocess.Popen[bytes]]]) -> None:
    while True:
        time.sleep(0.5)
        for child in children:
            child.check(time.monotonic())
        for index, (service, process) in enumerate(servers):
            if process.poll() is not None:
                say(f"{type(service).__name__} stopped (exit {process.returncode}), starting again")
                hook = die_with_parent(signal.SIGINT)
                servers[index] = (service, services.start(service, on_exec=hook))


def _stop(children: list[Child], servers: list[tuple[services.Service, subprocess.Popen[bytes]]]) -> None:
    for child in children:
        child.stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.wait(deadline)
    for _, process in reversed(servers):
        services.stop(process)


def _welcome(port: int, base: Path, seconds: float) -> None:
    say(f"\nReady after {seconds:.0f} s:  http://127.0.0.1:{port}/\n")
    for role, email in DEMO_SIGN_INS:
        say(f"  {role:9} {email:22} password: demo")
    shoppers = ".venv/bin/python manage.py simulate --impressions 3000"
    if port != DEFAULT_PORT:
        shoppers += f" --url http://127.0.0.1:{port}"
    say(f"\nLogs: {base / 'log'}   Shoppers: {shoppers}   Stop: Ctrl-C")


def _take_lock(base: Path) -> IO[str] | None:
    lock = (base / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _free_port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise StartError(f"PORT={text!r} is not a port number from 1 to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise StartError(f"port {text} is in use; choose another one: make run PORT=8001") from error
    return int(text)


def _fresh_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
