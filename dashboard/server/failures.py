"""Errors whose message is all that whoever typed the command needs: no traceback is shown."""

from dashboard.celeryapp import NoCeleryApp
from dashboard.conf import BadSetting
from dashboard.nodes import NoNodeName


class NotPrepared(Exception):
    """Something is missing or in the way; the message is what to do."""


EXPECTED = (BadSetting, NoCeleryApp, NoNodeName, NotPrepared)
