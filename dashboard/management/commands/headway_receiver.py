"""`manage.py headway_receiver`: the receiving half inside a host's project."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.celeryapp import NoCeleryApp
from dashboard.conf import BadSetting
from dashboard.nodes import NoNodeName
from dashboard.server import receiving


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; exit code 1 when a part of it died."""

    help = "Receives Celery's events, stores the tasks and sends every change to the open pages."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        """Receive."""
        try:
            code = receiving.run()
        except (NoCeleryApp, BadSetting, NoNodeName) as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)
