"""The command `headway`."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from dashboard.server import commands, options, values

Commands = Any
"""What `add_subparsers` returns; argparse gives its class no public name."""

USAGE_ERROR = 2
"""What argparse and most programs end with when they were called wrongly."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 it failed, 2 an option cannot be used."""
    parser = make_parser()
    given = parser.parse_args(argv)
    from dashboard.server import failures

    try:
        options.export(given, os.environ)
        return int(given.run(given))
    except options.BadOption as error:
        return _refuse(parser.prog, given.command, error, USAGE_ERROR)
    except failures.EXPECTED as error:
        return _refuse(parser.prog, given.command, error, 1)
    except KeyboardInterrupt:
        return 130


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(
        prog="headway",
        description="Shows what Celery is doing while it does it.",
        epilog="Each option can be given as the environment variable in brackets.",
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _demo(actions)
    _serve(actions)
    _receiver(actions)
    _web(actions)
    _check(actions)
    _manage(actions)
    _apikey(actions)
    return parser


def _demo(actions: Commands) -> None:
    text = "watch a sample shop: one process, no service needed"
    parser = _command(actions, "demo", text)
    options.add(parser, *options.LISTENING, options.DATA, options.LOG_LEVEL)
    parser.set_defaults(run=commands.demo)


def _serve(actions: Commands) -> None:
    text = "watch a cluster: one process receives, stores and shows"
    parser = _command(actions, "serve", text)
    options.add(
        parser,
        *options.CLUSTER,
        *options.LISTENING,
        *options.STORAGE,
        *options.WEB,
        *options.RECEIVING,
        options.LOG_LEVEL,
    )
    parser.set_defaults(run=commands.serve)


def _receiver(actions: Commands) -> None:
    text = "the receiving half; run two, one takes over when the other ends"
    parser = _command(actions, "receiver", text)
    options.add(
        parser,
        *options.CLUSTER,
        options.DATABASE,
        options.CHANNEL_LAYER,
        *options.RECEIVING,
        options.LOG_LEVEL,
    )
    parser.set_defaults(run=commands.receiver)


def _web(actions: Commands) -> None:
    text = "the showing half; run as many as there are readers for"
    parser = _command(actions, "web", text)
    options.add(
        parser,
        # What people do to tasks goes to the broker from here.
        *options.CLUSTER,
        *options.LISTENING,
        options.DATABASE,
        options.CHANNEL_LAYER,
        *options.WEB,
        options.LOG_LEVEL,
    )
    parser.set_defaults(run=commands.web)


def _check(actions: Commands) -> None:
    text = "say what keeps a cluster from being seen, and the line that changes it"
    parser = _command(actions, "check", text)
    options.add(
        parser,
        *options.CLUSTER,
        *options.STORAGE,
        options.CHANNEL_LAYER,
        options.LOG_LEVEL,
    )
    parser.set_defaults(run=commands.check)


def _manage(actions: Commands) -> None:
    text = "run one of Django's own commands, such as migrate or createsuperuser"
    parser = _command(actions, "manage", text)
    options.add(parser, *options.STORAGE)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    parser.set_defaults(run=commands.manage)


def _apikey(actions: Commands) -> None:
    text = "make, list and revoke keys for programs"
    parser = _command(actions, "apikey", text)
    each = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = _command(each, "create", "print a new key, once")
    create.add_argument("name", help="what it is for")
    create.add_argument("--user", help="whose rights it has (default admin)")
    create.add_argument(
        "--expires", metavar="DAYS", type=_days, help="how long it works (default for ever)"
    )
    listing = _command(each, "list", "one line for each key")
    revoke = _command(each, "revoke", "end a key")
    revoke.add_argument("prefix", help="what the key begins with, as `list` shows it")
    for action in (create, listing, revoke):
        options.add(action, *options.STORAGE)
    parser.set_defaults(run=commands.apikey)


def _command(actions: Commands, name: str, text: str) -> argparse.ArgumentParser:
    # Abbreviations would make `--data` mean `--database` where only the latter exists.
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=text, allow_abbrev=False
    )
    return parser


def _days(text: str) -> int:
    try:
        return values.positive(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _refuse(program: str, command: str, error: Exception, code: int) -> int:
    sys.stderr.write(f"{program} {command}: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
