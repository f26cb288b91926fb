"""The project's own admin site."""

from django.contrib.admin import AdminSite

from acme.dashboard.models import Widget


class Office(AdminSite):
    """Where the company looks after its widgets."""

    site_header = "ACME back office"


office = Office(name="office")
office.register(Widget)
