"""`headway demo`: the shop, its worker, the receiver and the pages in one process."""

import argparse
import os
import tempfile

from dashboard.server import options, preparing

SETTINGS = "dashboard.demo.settings"
_OTHERS = (
    *options.CLUSTER,
    options.DATABASE,
    options.CHANNEL_LAYER,
    options.URL_PREFIX,
    options.NODE_ID,
)


def run(given: argparse.Namespace) -> int:
    """Run the shop until a signal; the exit code. Without --data nothing is kept."""
    for option in _OTHERS:
        # They are about another cluster than the shop's.
        os.environ.pop(option.variable, None)
    if os.environ.get(options.DATA.variable):
        return _run()
    with tempfile.TemporaryDirectory(prefix="headway-demo-") as directory:
        os.environ[options.DATA.variable] = directory
        return _run()


def _run() -> int:
    os.environ.setdefault(options.ENVIRONMENT.variable, "demo")
    preparing.django_with(SETTINGS)
    preparing.migrate()
    from dashboard.demo import shop

    return shop.open_shop()
