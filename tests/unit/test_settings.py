"""What the environment switches, and what production refuses to start without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.storage import storage_from_url

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.prod",
    "SECRET_KEY": "k" * 30 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "studio.example",
    "PUBLIC_BASE_URL": "https://studio.example",
    "DATABASE_URL": "postgres://u:p@db.example/studio",
    "REDIS_URL": "redis://redis.example/0",
    "STORAGE_URL": "s3://bucket/prefix?region=eu-central-1",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in {*PRODUCTION, "STUDIO_VAR", "DJANGO_ALLOW_ASYNC_UNSAFE"}
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_defaults_pass_the_deployment_checks() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"DJANGO_SETTINGS_MODULE"}))
def test_production_names_what_is_missing(name: str) -> None:
    done = manage("check", **{key: value for key, value in PRODUCTION.items() if key != name})
    assert done.returncode != 0
    assert f"Set the {name} environment variable" in done.stderr


def test_plain_http_is_warned_about_in_production() -> None:
    done = manage("check", "--deploy", **PRODUCTION | {"PUBLIC_BASE_URL": "http://studio.example"})
    assert "studio.W001" in done.stderr


def test_an_unknown_checkpoint_profile_is_an_error_with_the_names() -> None:
    done = manage("check", **PRODUCTION | {"CHECKPOINT_PROFILE": "sd99"})
    assert done.returncode != 0
    assert "studio.E002" in done.stderr
    assert "studio-tiny" in done.stderr


def test_storage_urls() -> None:
    folder = storage_from_url("file:///srv/media", "/media/")
    assert folder["OPTIONS"] == {"location": "/srv/media", "base_url": "/media/"}
    bucket = storage_from_url("s3://shots/eu?region=eu-central-1&public_host=cdn.example", "/media/")
    assert bucket["BACKEND"] == "storages.backends.s3.S3Storage"
    assert bucket["OPTIONS"]["bucket_name"] == "shots"
    assert bucket["OPTIONS"]["location"] == "eu"
    assert bucket["OPTIONS"]["custom_domain"] == "cdn.example"
    assert bucket["OPTIONS"]["querystring_auth"] is False
    with pytest.raises(ValueError, match="STORAGE_URL: scheme 'ftp'"):
        storage_from_url("ftp://host/x", "/media/")
