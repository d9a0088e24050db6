"""One settings file. Every variable is read here, through helpers that fail loudly, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def cores() -> int:
    """Cores this process may use; containers often get fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable(folder: Path) -> Path:
    """The folder, made if it is not there yet, readable by us alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be made: {error.strerror}. "
            "Choose another: DATA_DIR=another-folder make run"
        ) from error
    return folder


def secret_key(data_dir: Path) -> str:
    """SECRET_KEY from the environment, or one made once and kept readable only by us."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        if len(given) < 50:
            raise ImproperlyConfigured("SECRET_KEY is too short: use at least 50 random characters.")
        return given
    path = data_dir / "secret-key"
    if not path.exists():
        new = path.with_name(f"secret-key.{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):  # another process was first, and its key counts
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


# --- where things are ---------------------------------------------------------------------------------------
DATA_DIR: Path = usable(Path(env.str("DATA_DIR", default=str(BASE_DIR / "data"))).resolve())
HOST: str = env.str("HOST", default="127.0.0.1")
PORT: int = env.int("PORT", default=8000)

# --- Django -------------------------------------------------------------------------------------------------
DEBUG: bool = env.bool("DEBUG", default=False)
SECRET_KEY: str = secret_key(DATA_DIR)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", HOST])
HTTPS: bool = env.bool("HTTPS", default=False)  # a proxy in front speaks TLS and sets X-Forwarded-Proto
ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "ninja",
    "webapp.core",
    "webapp.accounts",
    "webapp.datasets",
    "webapp.searches",
    "webapp.trained",
    "webapp.predictions",
    "webapp.api",
    "webapp.launcher",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.core.middleware.SecurityHeadersMiddleware",
    "webapp.core.middleware.RequestLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webapp.core.middleware.FirstRunMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["webapp.core.templatetags.netwright"],
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- database -----------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR}/netwright.sqlite3")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE: a write transaction takes the lock at its start, so it waits instead of failing midway.
        "transaction_mode": "IMMEDIATE",
        "timeout": 60,  # an import commits 60,000 pictures at once, in 14 s on a busy machine of two cores
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# --- files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
UPLOAD_MAX_BYTES: int = env.int("UPLOAD_MAX_BYTES", default=20 * 1024**3)
PREDICT_MAX_BYTES: int = env.int("PREDICT_MAX_BYTES", default=30 * 1024**2)
DATA_UPLOAD_MAX_MEMORY_SIZE = PREDICT_MAX_BYTES
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
FILE_UPLOAD_PERMISSIONS = 0o600

# --- security -----------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "webapp.core.views.errors.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]

# --- Celery -------------------------------------------------------------------------------------------------
REDIS_URL: str = env.str("REDIS_URL", default="")  # empty: the launcher starts its own and sets it
CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:6379/0"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# Chores have a queue and a process of their own: behind two long imports, nobody would requeue what was lost.
CHORES = {
    "webapp.searches.tasks.requeue_lost": 15.0,
    "webapp.datasets.tasks.requeue_lost": 15.0,
    "webapp.core.tasks.sweep": 3600.0,
}  # seconds between two times
CELERY_TASK_ROUTES = {
    "webapp.searches.tasks.run_slot": {"queue": "train"},
    **{name: {"queue": "chores"} for name in CHORES},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A slot is a task of minutes or hours: one that a busy worker holds in reserve is missed by an idle machine.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Messages are acknowledged when they start, and rows are claimed: a redelivered message finds nothing to do.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 12 * 3600}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
# A chore that nobody did in time is done by the next one; they do not pile up while a worker is away.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in CHORES.items()
}
HEARTBEAT_SECONDS = 5.0  # how often the living say so
IMPORT_WORKERS: int = env.int("IMPORT_WORKERS", default=min(4, cores()))  # pictures decoded at a time
LOST_AFTER_SECONDS: float = env.float("LOST_AFTER_SECONDS", default=45.0)  # silence after which they are dead

# --- searches -----------------------------------------------------------------------------------------------
SLOTS: int = env.int("SLOTS", default=cores())  # trials side by side in one search, on all machines together
TRAINERS: int = max(1, min(SLOTS, cores()))  # of them on this machine; on CPU each has one thread
DEVICE: str = env.str("DEVICE", default="auto")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
