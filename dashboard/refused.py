"""Tokens that opened nothing: counted by reason in this process, and now and then told to the log.

Nothing of a token is kept or told, nor whose it was: only which reason, and how often.
"""

import logging
import threading
import time
from collections import Counter

logger = logging.getLogger(__name__)

LOG_EVERY_S = 1.0
"""Of each reason: one request of a stranger may hold five hundred tokens, and be sent again."""

counts: Counter[str] = Counter()
"""By reason, since the start of this process (`count`)."""
started_at = time.time()
"""Since when, Unix seconds."""
_lock = threading.Lock()
_logged_at: dict[str, float] = {}


def count(reason: str) -> None:
    """Count a refusal, and now and then say so in the log. From any thread."""
    now = time.monotonic()
    with _lock:
        counts[reason] += 1
        counted = counts[reason]
        is_due = now - _logged_at.get(reason, -LOG_EVERY_S) >= LOG_EVERY_S
        if is_due:
            _logged_at[reason] = now
    if is_due:
        told = (reason, counted)
        logger.info("Refused to a token: %s (%s so far)", *told, extra={"action": "embed_refused"})


def told() -> dict[str, int]:
    """How often for which reason, the commonest first."""
    with _lock:
        return dict(counts.most_common())
