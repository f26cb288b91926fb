"""Django's settings of the standalone server: all from the environment, see docs/reference/cli.md.

DEBUG is never on here: its error pages show settings and broker addresses.
"""

import os
from pathlib import Path
from typing import Any

from dashboard import assets, conf
from dashboard.server import database, datadir, logs, options

_values = options.read(os.environ)


def _value(option: options.Option, default: Any = None) -> Any:
    return _values.get(option, default)


DATA_DIR: Path = _value(options.DATA, datadir.default(os.environ))
_database = _value(options.DATABASE)
_secret_key = os.environ.get("HEADWAY_SECRET_KEY")
if _database is None or not _secret_key:
    datadir.prepare(DATA_DIR)

DEBUG = False
SECRET_KEY = _secret_key or datadir.secret_key(DATA_DIR)

DATABASES = {
    "default": database.from_url(_database)
    if _database
    else database.sqlite(DATA_DIR / datadir.DATABASE_FILE)
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "ninja",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dashboard.server.cookies.SecureOverHttps",
    "dashboard.server.policy.StrictEverywhere",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
# Admin's notices stay in the session that there is: no cookie more.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [path for path in [assets.top("templates")] if path],
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
ROOT_URLCONF = "dashboard.server.urls"
CSRF_FAILURE_VIEW = "dashboard.server.errors.csrf_failure"

USE_TZ = True
# The languages that Headway is shipped in; a visitor's choice is kept for a year.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"

_prefix: str = _value(options.URL_PREFIX)
FORCE_SCRIPT_NAME = _prefix or None
STATIC_URL = f"{_prefix}/static/{assets.digest()}/"
STATICFILES_DIRS = [path for path in [assets.top("static")] if path]

_host = _value(options.HOST)
_own_names = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = _value(options.ALLOWED_HOSTS) or [
    *_own_names,
    *([] if _host in ("0.0.0.0", "::", *_own_names) else [_host]),  # noqa: S104
]

_cookie_path = f"{_prefix}/"
SESSION_COOKIE_NAME = "headway_session"
SESSION_COOKIE_PATH = _cookie_path
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "headway_csrf"
CSRF_COOKIE_PATH = _cookie_path
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
# Nothing here is uploaded; forms are small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator")
]

_channel_layer = _value(options.CHANNEL_LAYER)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [_channel_layer], "prefix": "headway"},
    }
    if _channel_layer
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# The commands that watch a cluster say themselves when none is named; the others need none.
SILENCED_SYSTEM_CHECKS = ["headway.W002"]

LOGGING = logs.config(_value(options.LOG_LEVEL))

# The host's app is read in a process of its own: its settings module, its packages and its
# start-up code are not ours.
HEADWAY_CELERY_APP = "dashboard.server.hostapp:app" if options.APP in _values else None
HEADWAY_BROKER_URL = _value(options.BROKER)
HEADWAY_CELERY_OPTIONS = _value(options.CELERY_OPTION, {})
HEADWAY_RESULT_BACKEND = _value(options.RESULT_BACKEND)
HEADWAY_NODE_ID = _value(options.NODE_ID)
HEADWAY_ENVIRONMENT = _value(options.ENVIRONMENT)
HEADWAY_ALLOWED_ORIGINS = _value(options.ALLOWED_ORIGINS, ())
# A variable only: options are seen by every user of the machine.
HEADWAY_EMBED_KEY = os.environ.get("HEADWAY_EMBED_KEY", "").split()
HEADWAY_PUBLIC_ERRORS = _value(options.PUBLIC_ERRORS, conf.Conf.public_errors)
HEADWAY_TRUSTED_PROXIES = _value(options.TRUSTED_PROXIES, ())
HEADWAY_REDACT = _value(options.REDACT, conf.DEFAULT_REDACT)
HEADWAY_MAX_SOCKETS_PER_USER = _value(options.MAX_SOCKETS_PER_USER, conf.Conf.max_sockets_per_user)
HEADWAY_MAX_SOCKETS_PER_ADDRESS = _value(
    options.MAX_SOCKETS_PER_ADDRESS, conf.Conf.max_sockets_per_address
)
