"""The standalone server with credit without end: beside it, `fanout` shows what
acknowledgements cost."""

import sys

from dashboard.server.asgi import application
from realtime.core import credit

credit.MAX_FRAMES = credit.MAX_BYTES = sys.maxsize
credit.SILENCE_S = float("inf")

__all__ = ["application"]
