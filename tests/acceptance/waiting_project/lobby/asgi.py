"""Pages and websockets of the site."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lobby.settings")
pages = get_asgi_application()

from dashboard.routing import websocket_urlpatterns  # noqa: E402 - needs the apps to be loaded
from realtime.cut import CutQuietly  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": CutQuietly(pages),
        "websocket": URLRouter([path("ops/headway/", URLRouter(websocket_urlpatterns))]),
    }
)
