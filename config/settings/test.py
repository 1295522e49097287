"""Tests: a private cluster in a temporary folder, started by tests/conftest.py; processes started by tests inherit it."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("STUDIO_VAR", tempfile.mkdtemp(prefix="studio-test-"))
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("LOG_FORMAT", "text")

from .base import *  # noqa: F403
from .base import DATABASES, STORAGES, VAR_DIR

SECRET_KEY = "test-only-key-" + "0" * 50
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = []
ALLOW_DEMO = True
ALLOW_PRIVATE_HOSTS = True
SERVE_MEDIA = True
FILTER_IMPRESSIONS_PER_USER_HOUR = FILTER_CLICKS_PER_USER_HOUR = FILTER_FAST_CLICK_MS = 0
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
DATABASES["default"]["TEST"] = {"NAME": "test_studio"}
Path(VAR_DIR, "static").mkdir(parents=True, exist_ok=True)  # whitenoise warns about a missing one
if os.environ.get("STUDIO_USE_TEST_DATABASE"):  # set for processes that an end-to-end test starts
    DATABASES["default"]["NAME"] = "test_studio"
    WHITENOISE_USE_FINDERS = True  # a browser looks at these pages, and nobody has collected the static files
