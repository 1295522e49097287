"""Settings common to every environment. Everything a deployment must choose comes from environment variables."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import environ
from csp.constants import NONE, SELF

from config.log import configure
from config.services import database_url, redis_url
from config.storage import storage_from_url

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.str("STUDIO_VAR", default=str(BASE_DIR / "var"))).resolve()

SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_rq",
    "django_htmx",
    "django_filters",
    "csp",
    "ninja",
    "creatives",
    "review",
    "bandit",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.log.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "creatives.context.navigation",
            ]
        },
    }
]

DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", default=database_url(VAR_DIR)))}
DATABASES["default"]["HOST"] = unquote(
    DATABASES["default"]["HOST"]
)  # a unix socket's folder comes percent-encoded
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "creatives.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REDIS_URL = env.str("REDIS_URL", default=redis_url(VAR_DIR))
RQ_QUEUES = {
    "generate": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 900},
    "default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 900},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": storage_from_url(env.str("STORAGE_URL", default=f"file://{VAR_DIR / 'media'}"), MEDIA_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

# Generated pictures and uploads are served from MEDIA_URL, so images come from here or from the configured store.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *env.list("CSP_IMG_SRC", default=[])],
        "style-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# Catalogue: feeds as uploaded, and pictures fetched from the addresses that feeds name.
CATALOG_MAX_UPLOAD_BYTES = env.int("CATALOG_MAX_UPLOAD_BYTES", default=300 * 2**20)
CATALOG_BATCH_ROWS = env.int("CATALOG_BATCH_ROWS", default=2000)
CATALOG_LEASE_SECONDS = env.float(
    "CATALOG_LEASE_SECONDS", default=60.0
)  # without a sign of life, to another worker
ALLOW_DEMO = env.bool("ALLOW_DEMO", default=False)  # demo accounts have a public password
FEED_FETCH_SECONDS = env.float("FEED_FETCH_SECONDS", default=300.0)
IMAGE_FETCH_SECONDS = env.float("IMAGE_FETCH_SECONDS", default=30.0)
IMAGE_FETCH_THREADS = env.int("IMAGE_FETCH_THREADS", default=8)

# Generation
CHECKPOINT_PROFILE = env.str("CHECKPOINT_PROFILE", default="studio-tiny")
CHECKPOINTS_DIR = Path(
    env.str("CHECKPOINTS_DIR", default=str(VAR_DIR / "checkpoints"))
)  # a folder per profile
CHECKPOINT_OFFLINE = env.bool("CHECKPOINT_OFFLINE", default=False)  # never ask the hub
CHECKPOINT_OFFLOAD = env.str(
    "CHECKPOINT_OFFLOAD", default="none"
)  # of the GPU's memory: none, model, sequential
CHECKPOINT_COMPILE = env.bool(
    "CHECKPOINT_COMPILE", default=False
)  # torch.compile, minutes at the first painting
GENERATION_BATCH_SIZE = env.int("GENERATION_BATCH_SIZE", default=4)
GENERATION_MAX_ATTEMPTS = env.int("GENERATION_MAX_ATTEMPTS", default=5)
GENERATION_LEASE_SECONDS = env.int("GENERATION_LEASE_SECONDS", default=180)
GATE_REPAINTS = env.int(
    "GATE_REPAINTS", default=2
)  # times a painting that the quality gate fails is made anew
GENERATION_BACKOFF_SECONDS = env.int("GENERATION_BACKOFF_SECONDS", default=10)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=5.0)
TORCH_THREADS = env.int("TORCH_THREADS", default=1)  # of a painter; 0: as many as torch chooses
SEGMENTER = env.str(
    "SEGMENTER", default="auto"
)  # a network for cluttered photos: see docs/pipeline.md, Masks
MODELS_DIR = Path(env.str("MODELS_DIR", default=str(VAR_DIR / "models")))
# C2PA manifests in finished pictures: off unless certificate and key (PEM files) are given; see docs/production.md
C2PA_CERTIFICATE = env.str("C2PA_CERTIFICATE", default="")
C2PA_PRIVATE_KEY = env.str("C2PA_PRIVATE_KEY", default="")
C2PA_ALGORITHM = env.str("C2PA_ALGORITHM", default="es256").lower()
C2PA_TIMESTAMP_URL = env.str("C2PA_TIMESTAMP_URL", default="")
STAGE_CACHE_DIR = Path(env.str("STAGE_CACHE_DIR", default=str(VAR_DIR / "stage-cache")))

# Delivery: attempts at 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: three days in all (Standard Webhooks).
WEBHOOK_TIMEOUT_SECONDS = env.float("WEBHOOK_TIMEOUT_SECONDS", default=10.0)
WEBHOOK_BACKOFF_SECONDS = env.list(
    "WEBHOOK_BACKOFF_SECONDS", cast=int, default=[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
)
ALLOW_PRIVATE_HOSTS = env.bool("ALLOW_PRIVATE_HOSTS", default=False)

# Review: a claim lapses after this long without a heartbeat and the creative goes to the next reviewer.
REVIEW_CLAIM_SECONDS = env.int("REVIEW_CLAIM_SECONDS", default=300)
CREATIVE_GATE = "review.services.gate.admit"  # decides whether a new creative is served without a person

# Decisions and learning
DECISION_TOKEN_TTL_SECONDS = env.int("DECISION_TOKEN_TTL_SECONDS", default=24 * 3600)
USER_KEY_SECRET = env.str(
    "USER_KEY_SECRET", default=""
)  # keeps users apart from their ids; SECRET_KEY if empty
LEARN_SECONDS = env.float("LEARN_SECONDS", default=5.0)
ROLLUP_SECONDS = env.float(
    "ROLLUP_SECONDS", default=5.0
)  # reports lag by this, by more on a busy installation
SNAPSHOT_REFRESH_SECONDS = env.float("SNAPSHOT_REFRESH_SECONDS", default=2.0)

# Traffic that no person makes is flagged and does not count (bandit/filters.py); 0 switches a rule off.
FILTER_IMPRESSIONS_PER_USER_HOUR = env.int("FILTER_IMPRESSIONS_PER_USER_HOUR", default=1000)
FILTER_CLICKS_PER_USER_HOUR = env.int("FILTER_CLICKS_PER_USER_HOUR", default=120)
FILTER_FAST_CLICK_MS = env.int("FILTER_FAST_CLICK_MS", default=100)
FILTER_REPEATED_CLICKS = env.int("FILTER_REPEATED_CLICKS", default=10)

LOGGING_CONFIG = None
LOG_FORMAT = env.str("LOG_FORMAT", default="json")
configure(LOG_FORMAT, env.str("LOG_LEVEL", default="INFO"))
