"""What each command of `headway` does once its options stand in the environment.

Nothing of Django's is imported before `preparing.django_with` has set it up.
"""

import argparse
import os
import secrets

from dashboard.server import options, preparing
from dashboard.server.failures import NotPrepared

ADMIN_PASSWORD = "HEADWAY_ADMIN_PASSWORD"  # noqa: S105 - the variable's name
SECRET_KEY = "HEADWAY_SECRET_KEY"  # noqa: S105 - the variable's name


def serve(given: argparse.Namespace) -> int:
    """One process: receive, store and show."""
    _require_cluster("serve")
    preparing.django_with()
    preparing.load_cluster()
    preparing.migrate()
    from dashboard.server import serving

    return serving.serve()


def receiver(given: argparse.Namespace) -> int:
    """The receiving half."""
    _require_cluster("receiver")
    # Nothing is signed here, so a key of the moment will do.
    os.environ.setdefault(SECRET_KEY, secrets.token_urlsafe(50))
    preparing.django_with()
    preparing.require_split_shape()
    preparing.load_cluster()
    preparing.require_migrated()
    from dashboard.server import receiving

    return receiving.run()


def web(given: argparse.Namespace) -> int:
    """The showing half."""
    if not os.environ.get(SECRET_KEY):
        raise NotPrepared(
            f"`headway web` needs {SECRET_KEY}, the same for every web process; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    preparing.django_with()
    preparing.require_split_shape()
    preparing.require_migrated()
    from dashboard.server import serving

    return serving.web()


def check(given: argparse.Namespace) -> int:
    """The doctor."""
    _require_cluster("check")
    preparing.django_with()
    from dashboard import celeryapp, conf
    from dashboard.server import doctor, doctor_cluster, doctor_server

    cluster = doctor_cluster.Cluster(celeryapp.load(conf.current()))
    return doctor.tell(doctor.examine((*cluster.checks(), *doctor_server.all_checks())))


def manage(given: argparse.Namespace) -> int:
    """Django's own commands on our database."""
    preparing.django_with()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["headway manage", *given.arguments])
    return 0


def apikey(given: argparse.Namespace) -> int:
    """Keys for programs."""
    preparing.django_with()
    preparing.migrate()
    from dashboard.server import keys

    keys.run(given)
    return 0


def demo(given: argparse.Namespace) -> int:
    """The sample shop."""
    from dashboard.demo import command

    return command.run(given)


def _require_cluster(command: str) -> None:
    if not any(os.environ.get(option.variable) for option in (options.APP, options.BROKER)):
        raise options.BadOption(
            f"`headway {command}` needs to know what to watch: --app module:attr "
            f"({options.APP.variable}) or --broker URL ({options.BROKER.variable})"
        )
