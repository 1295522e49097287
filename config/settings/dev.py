"""Development and demo: `make run`. The embedded servers, a key of its own in var/, no TLS."""

import secrets

from .base import *  # noqa: F403
from .base import ALLOWED_HOSTS, SECRET_KEY, VAR_DIR, env

if not SECRET_KEY:
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _key_file = VAR_DIR / "secret-key"
    if not _key_file.exists():
        _key_file.touch(mode=0o600)
        _key_file.write_text(secrets.token_urlsafe(50))
    SECRET_KEY = _key_file.read_text()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]
ALLOW_DEMO = env.bool("ALLOW_DEMO", default=True)
ALLOW_PRIVATE_HOSTS = env.bool("ALLOW_PRIVATE_HOSTS", default=True)
AUTH_PASSWORD_VALIDATORS = []
SERVE_MEDIA = True
# Scripts that play the shopper are as welcome here as people.
FILTER_IMPRESSIONS_PER_USER_HOUR = env.int("FILTER_IMPRESSIONS_PER_USER_HOUR", default=0)
FILTER_CLICKS_PER_USER_HOUR = env.int("FILTER_CLICKS_PER_USER_HOUR", default=0)
FILTER_FAST_CLICK_MS = env.int("FILTER_FAST_CLICK_MS", default=0)
