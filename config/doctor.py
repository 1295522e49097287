"""The checks of `manage.py doctor`: each looks at one thing this installation needs and says how to put it right."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

CERTIFICATE_WARNING_DAYS = 30


class Level(Enum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What a check saw, in a line, and the fix where one is needed."""

    name: str
    level: Level
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """A named look at one thing; ``look`` returns (level, text, fix) and may raise."""

    name: str
    look: Callable[[], tuple[Level, str, str]]
    fix: str


def run(check: Check) -> Finding:
    """Run one check; an exception becomes an error that carries the check's fix."""
    try:
        level, text, fix = check.look()
    except Exception as error:  # a doctor reports every failure, of whatever kind
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Finding(check.name, Level.ERROR, first_line[:200], check.fix)
    return Finding(check.name, level, text, fix)


def _database() -> tuple[Level, str, str]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("show server_version")
        version = cursor.fetchone()[0]
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return Level.ERROR, f"PostgreSQL {version}, {len(plan)} migrations to apply", "run: manage.py migrate"
    if int(version.split(".")[0]) < 14:
        return Level.ERROR, f"PostgreSQL {version}", "use PostgreSQL 14 or newer"
    return Level.OK, f"PostgreSQL {version}, migrations applied", ""


def _redis() -> tuple[Level, str, str]:
    import django_rq
    from rq import Worker

    connection = django_rq.get_connection("default")
    version = connection.info("server")["redis_version"]
    workers = Worker.count(connection=connection)
    if not workers:
        return Level.WARNING, f"Redis {version}, no worker is listening", "start one: manage.py work"
    return Level.OK, f"Redis {version}, workers: {workers}", ""


def _storage() -> tuple[Level, str, str]:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    name = default_storage.save(f"doctor/{uuid.uuid4().hex}", ContentFile(b"ok"))
    try:
        with default_storage.open(name) as file:
            if file.read() != b"ok":
                raise OSError("what was written is not what was read")
    finally:
        default_storage.delete(name)
    return Level.OK, f"{type(default_storage._wrapped).__name__} writes and reads", ""  # type: ignore[attr-defined]


def _checkpoint() -> tuple[Level, str, str]:
    from creatives.services.profiles import profile_in_use

    profile = profile_in_use()
    folder = profile.folder
    if folder is not None:
        weights = list(folder.rglob("*.safetensors"))
        if not weights:
            return (
                Level.ERROR,
                f"{profile.name}: no weights in {folder.name}",
                "check the repository out again",
            )
        megabytes = sum(file.stat().st_size for file in weights) / 1e6
        return (
            Level.OK,
            f"{profile.name}: {len(weights)} weight files, {megabytes:.0f} MB, licence {profile.licence}",
            "",
        )
    return (
        Level.OK,
        f"{profile.name}: {profile.base} from the hub or its local cache, licence {profile.licence}",
        "",
    )


def _segmenter() -> tuple[Level, str, str]:
    from django.conf import settings

    from creatives.pipeline.segmenter import AUTO, NONE, Segmenter

    plain = "given alpha and plain backdrops: built in; cluttered photos"
    segmenter = Segmenter(settings.SEGMENTER, settings.MODELS_DIR)
    standing = segmenter.standing()
    if standing.path is not None:
        segmenter.load()
        return Level.OK, f"{plain}: {standing.network}, licence {standing.licence}", ""
    if settings.SEGMENTER == AUTO:
        segmenter.load_studio()  # a damaged one is said here: masks go on without it
    guess = f"{plain}: a guess by GrabCut, marked doubtful ({standing.problem})"
    if settings.SEGMENTER == NONE:
        return Level.OK, guess, ""
    return Level.WARNING if settings.SEGMENTER == AUTO else Level.ERROR, guess, standing.fix


def _signing() -> tuple[Level, str, str]:
    from datetime import UTC, datetime

    import numpy as np

    from creatives.pipeline.provenance import Provenance, SourceType
    from creatives.services.provenance import credentials_in_use, finished

    credentials = credentials_in_use()
    if credentials is None:
        return Level.OK, "off: pictures carry XMP and no C2PA manifest", ""
    finished(np.full((32, 32, 3), 255, np.uint8), Provenance(SourceType.COMPOSITE))  # a trial signature
    days = (credentials.expires - datetime.now(UTC)).days
    text = f"{credentials.algorithm} as {credentials.subject}, until {credentials.expires:%Y-%m-%d}"
    if days < CERTIFICATE_WARNING_DAYS:
        return Level.WARNING, f"{text}: {days} days left", "renew the certificate"
    return Level.OK, text, ""


def _gpu() -> tuple[Level, str, str]:
    import torch

    if torch.cuda.is_available():
        return Level.OK, torch.cuda.get_device_name(0), ""
    return (
        Level.WARNING,
        "none: painting runs on the processor",
        "fine for studio-tiny; sd15 and sdxl want a CUDA device",
    )


CHECKS = (
    Check("database", _database, "start it with `make run`, or set DATABASE_URL"),
    Check("redis", _redis, "start it with `make run`, or set REDIS_URL"),
    Check("storage", _storage, "set STORAGE_URL to a folder or bucket this process may write"),
    Check("checkpoint", _checkpoint, "set CHECKPOINT_PROFILE to a profile that exists"),
    Check("segmenter", _segmenter, "reinstall: pip install -e ."),
    Check("signing", _signing, "see docs/production.md, Signed pictures; until then nothing is painted"),
    Check("gpu", _gpu, "reinstall torch"),
)
