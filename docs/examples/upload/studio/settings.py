"""A project as small as it can be; for your own, take the parts that have a comment."""

import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379")

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-your-own-machine-0123456789abcdef")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "daphne",  # first: then `runserver` serves websockets
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "dashboard",  # Headway
    "uploads",
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
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "studio.urls"
ASGI_APPLICATION = "studio.asgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
USE_TZ = True

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [f"{REDIS}/2"]},
    }
}
CELERY_BROKER_URL = f"{REDIS}/0"
# A group's last part starts what publishes it, which needs a result backend.
CELERY_RESULT_BACKEND = f"{REDIS}/1"
# Visitors see their place in line.
CELERY_TASK_SEND_SENT_EVENT = True

HEADWAY_CELERY_APP = "studio.celery:app"
# Signs what lets a visitor follow one task: at least 32 letters, and a secret.
HEADWAY_EMBED_KEY = os.environ.get("HEADWAY_EMBED_KEY", SECRET_KEY)

# Web processes and workers need the same directory.
UPLOAD_DIR = Path(os.environ.get("UPLOAD_DIR", BASE / "received"))
