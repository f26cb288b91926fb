"""What the standalone server logs: one line a fact, on standard error."""

import logging
from typing import Any


class WithoutTraceback(logging.Filter):
    """Keeps to one line what any stranger can cause."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without its traceback."""
        record.exc_info = record.exc_text = None
        return True


class Seldom(logging.Filter):
    """Lets through one line a minute of what repeats with every attempt."""

    EVERY_S = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._told_at = -self.EVERY_S

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, its lines as one, unless another one did a moment ago."""
        if 0 <= record.created - self._told_at < self.EVERY_S:
            return False
        self._told_at = record.created
        record.msg, record.args = " ".join(record.getMessage().split()), ()
        return True


def config(level: str) -> dict[str, Any]:
    """The LOGGING of Django's settings."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        },
        "filters": {"one_line": {"()": WithoutTraceback}, "seldom": {"()": Seldom}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # Django has handlers of its own here, which write the same lines twice or send mail.
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            "django.security.DisallowedHost": {"filters": ["one_line"]},
            # Each request below "info" would be a line, and daphne's are of no use to operators.
            "daphne": {"level": "WARNING"},
            # While the database is away: each attempt to connect, in several lines.
            "psycopg.pool": {"filters": ["seldom"]},
            "asyncio": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "amqp": {"level": "WARNING"},
        },
    }
