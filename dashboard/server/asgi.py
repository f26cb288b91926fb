"""The standalone server as one ASGI application, for daphne or any other server."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.server.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

_pages: Any = get_asgi_application()

from dashboard import assets, conf, routing
from dashboard.server import pooling
from dashboard.server.edge import Edge
from dashboard.server.static import StaticFiles
from realtime.cut import CutQuietly

pooling.share()


async def _no_such_socket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4504})


_elsewhere: Any = _no_such_socket
_static_url = settings.STATIC_URL.removesuffix(f"{assets.digest()}/")

application = Edge(
    ProtocolTypeRouter(
        {
            "http": CutQuietly(
                StaticFiles(_pages, _static_url, assets.digest(), conf.current().allowed_origins)
            ),
            "websocket": URLRouter([*routing.websocket_urlpatterns, re_path(r"", _elsewhere)]),
        }
    ),
    prefix=settings.FORCE_SCRIPT_NAME or "",
    trusted=conf.current().trusted_proxies,
)
