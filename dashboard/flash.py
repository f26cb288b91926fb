"""What a page says once after a form was sent: carried in its address, signed, for a minute. It
needs neither a session nor the messages framework, which a project may not have."""

from typing import Any, NamedTuple

from django.core import signing

PARAMETER = "told"
_SALT = "headway.flash"
_MAX_AGE_S = 60
_KINDS = frozenset({"done", "refused"})


class Flash(NamedTuple):
    """`kind` is done or refused; `new_id` is the task that a retry sent."""

    kind: str
    text: str
    new_id: str = ""


def text(flash: Flash) -> str:
    """The value of the page's parameter `PARAMETER`."""
    return signing.dumps(list(flash), salt=_SALT, compress=True)


def read(value: str | None) -> Flash | None:
    """What the parameter says; None where it is absent, not ours, or old."""
    if not value:
        return None
    try:
        parts: Any = signing.loads(value, salt=_SALT, max_age=_MAX_AGE_S)
    except signing.BadSignature:
        return None
    flash = Flash(*parts)
    return flash if flash.kind in _KINDS else None
