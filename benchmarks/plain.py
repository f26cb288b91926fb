"""The peer of `fanout`: every socket a plain consumer of Channels in one group, as its tutorial
has it. BENCHMARK_LAYER is the address of Redis, BENCHMARK_GROUP the group."""

import os
from typing import Any

from django.conf import settings

GROUP = os.environ["BENCHMARK_GROUP"]

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["BENCHMARK_LAYER"]]},
        }
    }
)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402


class Plain(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Passes on what the group is sent."""

    async def connect(self) -> None:
        """Join the group."""
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def told(self, event: dict[str, Any]) -> None:
        """A message of the group."""
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": Plain.as_asgi()})
