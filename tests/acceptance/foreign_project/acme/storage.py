"""Static files under names that carry a hash of their content."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Modules import each other by their hashed names as well."""

    support_js_module_import_aggregation = True
