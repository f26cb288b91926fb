"""Which failures are the same failure: exception type, masked message, last own frame."""

import hashlib
import re

_TYPE = re.compile(r"^\s*([A-Za-z_][\w.]*)")
_VOLATILE = re.compile(
    r"""'[^']*'|"[^"]*"|0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+""",
)
_FRAME = re.compile(r'^  File "([^"\n]{1,500})", line \d+, in ([^\n]{1,200})$', re.MULTILINE)
_FOREIGN = ("site-packages", "dist-packages", "/lib/python", "<frozen")


def signature(exception: str | None, traceback: str | None) -> str | None:
    """Twelve hexadecimal digits that failures of one cause share; None without an exception."""
    if not exception:
        return None
    named = _TYPE.match(exception)
    kind = named.group(1).rpartition(".")[2] if named else ""
    message = _VOLATILE.sub("*", exception[named.end() :] if named else exception)
    text = "\n".join((kind, message, own_frame(traceback) or ""))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def own_frame(traceback: str | None) -> str | None:
    """`file:function` of the last frame outside installed packages and the standard library."""
    if not traceback:
        return None
    own = [
        f"{path}:{function}"
        for path, function in _FRAME.findall(traceback)
        if not any(part in path for part in _FOREIGN)
    ]
    return own[-1] if own else None
