"""The project's own admin site."""

from acme.dashboard.models import Widget
from django.contrib.admin import AdminSite


class Office(AdminSite):
    """Where the company looks after its widgets."""

    site_header = "ACME back office"


office = Office(name="office")
office.register(Widget)
