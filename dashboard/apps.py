"""The app as a host project installs it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HeadwayConfig(AppConfig):
    """Labelled `headway`, so that a host may have its own app named `dashboard`."""

    name = "dashboard"
    label = "headway"
    verbose_name = _("Headway")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and follow what changes people's rights."""
        from dashboard import checks, signals  # noqa: F401

        signals.connect()
