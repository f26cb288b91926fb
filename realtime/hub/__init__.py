"""One hub per web process: change batches -> views -> sockets.

- `hub`: the life of a hub; what arrives, and what becomes due.
- `stream`: where the hub stands, and how it catches up.
- `watch`, `views`, `counts`: each distinct view, evaluated once for all who watch it.
- `resume`: what a reader who comes back is told.
- `socket`, `feed`: one connection, and one view on it.
- `viewers`, `door`: whose connections they are, what those people may see, who is let in.
- `embeds`, `keyring`: people who wait, and the tokens that they come with.
- `following`, `subjects`, `reading`, `lookups`: what they watch, read and encoded once for all.
- `answers`: what one socket is answered to many small requests.
- `silence`: what is done when nothing is heard.
- `rows`: from a batch to the bytes that views share.
- `inlet`, `pool`: the channel layer; the threads that read the store.
- `registry`: the hubs of a process, one for each event loop.
"""

from realtime.hub.hub import Hub
from realtime.hub.registry import Hubs
from realtime.hub.settings import About, Limits

__all__ = ["About", "Hub", "Hubs", "Limits"]
