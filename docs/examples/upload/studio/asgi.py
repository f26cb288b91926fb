"""Pages and sockets."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
pages = get_asgi_application()

from dashboard.routing import websocket_urlpatterns  # noqa: E402  (after the apps are loaded)
from realtime.cut import CutQuietly  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": CutQuietly(pages),
        "websocket": URLRouter([path("headway/", URLRouter(websocket_urlpatterns))]),
    }
)
