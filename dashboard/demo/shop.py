"""The running shop. Imported once Django is set up."""

import os
import secrets
import threading

from django.contrib.auth import get_user_model

from dashboard import apikeys
from dashboard.demo.beat import DemoBeat
from dashboard.demo.trickle import Trickle
from dashboard.demo.worker import DemoWorker
from dashboard.models import ApiKey
from dashboard.server import accounts, serving
from dashboard.server.commands import ADMIN_PASSWORD
from dashboard.server.console import say

KEY_NAME = "demo"


def open_shop() -> int:
    """Serve until a signal. Prints exactly four lines: url, user, password and api key."""
    password = _sign_in()
    key = _key()
    worker, trickle, beat = DemoWorker(), Trickle(), DemoBeat()
    life = threading.Thread(target=trickle.run, name="demo-trickle", daemon=True)

    def ready(url: str) -> None:
        say(f"url: {url}/")
        say(f"user: {accounts.ADMIN}")
        say(f"password: {password}")
        say(f"api key: {key}")
        worker.start()
        life.start()
        beat.start()

    try:
        return serving.with_receiving(ready)
    finally:
        trickle.stop()
        beat.stop()
        worker.stop()


def _sign_in() -> str:
    """A password for `admin` that is good for this run: the one of an earlier run is forgotten."""
    password = os.environ.get(ADMIN_PASSWORD) or secrets.token_urlsafe(9)
    if accounts.ensure_admin(password) is None:
        admin = get_user_model().objects.get_by_natural_key(accounts.ADMIN)
        admin.set_password(password)
        admin.save(update_fields=["password"])
    return password


def _key() -> str:
    admin = get_user_model().objects.get_by_natural_key(accounts.ADMIN)
    ApiKey.objects.filter(name=KEY_NAME).delete()
    return apikeys.create(admin, KEY_NAME).clear
