"""What one visitor, and all of them together, may put on this server."""

MB = 1024 * 1024

MAX_UPLOAD = 200 * MB
"""All files of one upload."""
MAX_CHUNK = 4 * MB
"""One request of the script. The server in front may allow more, and needs not."""
MAX_FORM = 20 * MB
"""All files of a plain form, which goes up in one piece and begins anew when it breaks."""
MAX_FILES = 50
MAX_UPLOADS = 20
"""Uploads that a visitor keeps at one time."""
MAX_ALL_UPLOADS = 1_000
"""Of everybody: each is looked at when another one is begun."""
BEGUN_AT_ONCE, BEGUN_EVERY_S = 60, 2.0
"""Uploads from one address, whatever its sessions: at once, and one more every so many seconds."""
MAX_VISITOR = 400 * MB
MAX_ALL = 2048 * MB
MIN_FREE = 512 * MB
"""What stays free on the disk, whatever is asked for."""

TOKEN_S = 900
"""How long one token follows an upload before the page asks for the next."""

KEEP_S = 24 * 3600.0
"""How long an upload and its results are kept."""
KEEP_OPEN_S = 2 * 3600.0
"""How long one is kept whose bytes have stopped coming."""

KEEP_EMPTY_S = 180.0
"""How long one is kept of which nothing has come."""

MAX_NAME = 120
MAX_ENTRIES = 500
"""Files in a zip."""
MAX_DIRECTORY = 1 * MB
"""The list of files inside a zip: it is read into memory before anything else is known."""
MAX_UNPACKED = 500 * MB
MAX_RATIO = 200
"""How many times larger than in the zip one file may be; pictures hardly shrink at all."""
MAX_PICTURE = 100 * MB
MAX_PIXELS = 50_000_000
"""One picture, unpacked: 200 MB of memory."""
MAX_WORK = 1_000_000_000
"""One JPEG, its pixels times its scans: each scan goes over all of them again, and a crafted one of
a few megabytes has thousands of scans. A camera's has ten at the most."""
MAX_PICTURE_S = 20.0
"""To read one picture; of a phone's it takes a tenth of a second."""
MAX_SIDE = 480
"""Pixels of a thumbnail, twice of what the page shows."""
MAX_LEFT_OUT = 100
"""Files of a zip that are told as left out; the others are counted."""

MAX_ROWS = 200_000
MAX_CELL = 32_000
MAX_LINE = 1024 * 1024
"""Letters of a row: Python holds all of one, and a cell of one letter takes dozens of bytes."""
MAX_SKU = 100
"""Letters; all of them are kept while a table is read."""
MAX_ROW_ERRORS = 100
"""Errors of a table that are told; the others are counted."""
