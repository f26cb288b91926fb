"""For load balancers and orchestrators: is the process up, and is what it shows true?"""

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import queries
from realtime.ports import StoreUnavailable, StreamInfo

MAX_SILENCE_S = 10.0
"""A receiver beats every second and a takeover takes five: silence beyond is an outage."""
MAX_LAG_MS = 30_000


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when store, receiver, broker and lag are within bounds; 503 and which of them is not."""
    checks = _checks(time.time())
    is_ready = all(checks.values())
    return JsonResponse({"ok": is_ready, "checks": checks}, status=200 if is_ready else 503)


def _checks(now: float) -> dict[str, bool]:
    try:
        info = queries.Reader().stream()
    except StoreUnavailable:
        return {"store": False}
    return {
        "store": True,
        "receiver": info.alive_at is not None and now - info.alive_at < MAX_SILENCE_S,
        "broker": info.stats.get("state") != "blind",
        "lag": _lag_ms(info) < MAX_LAG_MS,
    }


def _lag_ms(info: StreamInfo) -> int:
    lag = info.stats.get("lag_ms")
    return lag if isinstance(lag, int) else 0
