"""Django settings of the unit and integration tests.

HEADWAY_TEST_DATABASE_URL: empty for SQLite, `postgresql:` for a private server that the session
starts, or `postgresql://user:password@host:port/name` of one to be used.
"""

import atexit
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent

_database_url = urlsplit(os.environ.get("HEADWAY_TEST_DATABASE_URL", ""))
USES_PRIVATE_POSTGRESQL = _database_url.scheme == "postgresql" and not _database_url.netloc


def _database() -> dict[str, Any]:
    if _database_url.scheme == "postgresql":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database_url.path.lstrip("/"),
            "USER": unquote(_database_url.username or ""),
            "PASSWORD": unquote(_database_url.password or ""),
            "HOST": _database_url.hostname or "",
            "PORT": str(_database_url.port or ""),
        }
    # A file, not memory: the threads under test have connections of their own.
    directory = tempfile.TemporaryDirectory(prefix="headway-test-")
    atexit.register(directory.cleanup)
    path = Path(directory.name) / "headway.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "TEST": {"NAME": str(path)},
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
        },
    }


SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "ninja",
    "django_celery_beat",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
ROOT_URLCONF = "tests.urls"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
