"""Settings of a small site; its servers come from the environment."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

HEADWAY = Path(__file__).resolve().parents[4]
_database = urlsplit(os.environ["LOBBY_DATABASE_URL"])
REDIS = os.environ["LOBBY_REDIS_URL"]

SECRET_KEY = "only-for-a-test-of-a-site-that-nobody-else-reaches"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "dashboard",
    "lobby",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "lobby.views.strict",
]
ROOT_URLCONF = "lobby.urls"
ASGI_APPLICATION = "lobby.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HEADWAY / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname or "",
        "PORT": str(_database.port or ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [HEADWAY / "static"]

CELERY_BROKER_URL = f"{REDIS}/0"
CELERY_RESULT_BACKEND = f"{REDIS}/1"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [f"{REDIS}/2"]},
    }
}

HEADWAY_CELERY_APP = "lobby.celery:app"
HEADWAY_EMBED_KEY = os.environ["LOBBY_EMBED_KEY"]
