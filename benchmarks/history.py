"""How long answers take at 1,000,000 stored tasks, at the server, in PostgreSQL and in SQLite.

    python -m benchmarks.history [--quick]

The same questions are asked at 10,000 tasks, to see what grows: the first page and the counts of
each term of the filter language with a value that few tasks have, that many have and that none has;
the figures that pages are made of; whole answers over HTTP. Each question is asked of both in
turns, and the quietest turn counts. Every statement is explained once, and one that reads a large
table from end to end is reported. A database of a million tasks stays in benchmarks/.cache, see
`--keep`.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from benchmarks.asking import KINDS
from benchmarks.harness import CACHE, options, report, say, table
from benchmarks.sockets import Pressure
from tests.services.headway import Headway
from tests.services.postgresql import running_postgresql
from tests.services.process import private_directory

SMALL, TASKS, QUICK_TASKS = 10_000, 1_000_000, 40_000
TIMES, QUICK_TIMES = 8, 2
TURNS = 3
GOAL_MS = 100.0
GOAL_GROWTH = 1.5
FLOOR_MS = 2.0
"""What takes less has not grown: it is the same few reads, and noise."""

Figures = dict[str, Any]


def main() -> None:
    parser = options(__doc__.partition("\n\n")[0])
    parser.add_argument("--tasks", type=int, help=f"tasks of the larger history ({TASKS})")
    parser.add_argument("--times", type=int, help=f"how often each question is asked ({TIMES})")
    parser.add_argument("--only", choices=("postgresql", "sqlite"), help="one kind of database")
    parser.add_argument("--keep", action="store_true", help="keep SQLite's file, or use a kept one")
    given = parser.parse_args()
    tasks = given.tasks or (QUICK_TASKS if given.quick else TASKS)
    pressure = Pressure()
    with ExitStack() as stack:
        directory = stack.enter_context(private_directory("history"))
        urls = _sqlite(directory, tasks, given) if given.only != "postgresql" else {}
        found = {"sqlite": _asked(directory, urls, given)} if urls else {}
        if given.only != "sqlite":
            server = stack.enter_context(running_postgresql())
            urls = {size: server.add_database() for size in (SMALL, tasks)}
            found["postgresql"] = _asked(directory, urls, given)
        figures = {vendor: _told(vendor, by_size, tasks) for vendor, by_size in found.items()}
    share = pressure.share()
    report(
        "history",
        {
            "tasks": tasks,
            "goal_ms": GOAL_MS,
            "goal_growth": GOAL_GROWTH,
            "pressure": None if share is None else round(share, 2),
            **figures,
        },
    )


def _sqlite(directory: Path, tasks: int, given: argparse.Namespace) -> dict[int, str]:
    home = CACHE if given.keep else directory
    home.mkdir(parents=True, exist_ok=True)
    return {
        SMALL: f"sqlite:///{directory / 'small.sqlite3'}",
        tasks: f"sqlite:///{home / f'history-{tasks}.sqlite3'}",
    }


def _asked(
    directory: Path, urls: Mapping[int, str], given: argparse.Namespace
) -> dict[int, Figures]:
    times = given.times or (QUICK_TIMES if given.quick else TIMES)
    envs = {size: _environment(url) for size, url in urls.items()}
    filled_s = {
        size: None if Path(url.removeprefix("sqlite:///")).exists() else _fill(directory, size, env)
        for (size, url), env in zip(urls.items(), envs.values(), strict=True)
    }
    with ExitStack() as stack:
        askers = {size: stack.enter_context(_Asker(env)) for size, env in envs.items()}
        say(f"Asking {' and '.join(map(str, urls))} tasks in {urls[SMALL].partition(':')[0]}")
        for number in range(len(askers[SMALL].questions)):
            for _ in range(1 if given.quick else TURNS):
                for asker in askers.values():
                    asker.ask(number, times)
    return {size: {**asker.found, "filled_s": filled_s[size]} for size, asker in askers.items()}


class _Asker:
    """A process that asks one database; `found` are the times of its answers, of each of them those
    of the quietest turn, as part, name and kind of the question have it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.asking"],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.questions: list[tuple[str, str, str, str]] = self._told()
        self.found: Figures = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self.found["full_scans"] = self._told()
        self._process.wait()

    def ask(self, number: int, times: int) -> None:
        """Have this question asked so often."""
        print(number, times, file=self._process.stdin, flush=True)
        took: dict[str, float] = self._told()
        part, name, kind, how = self.questions[number]
        told = self.found.setdefault(part, {}).setdefault(name, {"how": how})
        best = told.setdefault(kind, {}) if kind else told
        best.update({each: min(ms, best.get(each, ms)) for each, ms in took.items()})

    def _told(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _environment(url: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "dashboard.server.settings",
        "HEADWAY_DATABASE_URL": url,
        "HEADWAY_SECRET_KEY": secrets.token_urlsafe(40),
        "HEADWAY_ADMIN_PASSWORD": secrets.token_urlsafe(20),
        "HEADWAY_EMBED_KEY": secrets.token_urlsafe(40),
    }


def _fill(directory: Path, size: int, env: Mapping[str, str]) -> float:
    say(f"Storing {size} tasks")
    with Headway(directory, "manage", "migrate", env=env) as migration:
        if migration.wait_for_exit(120):
            raise RuntimeError(migration.output())
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.stored", str(size)]
    subprocess.run(command, env={**os.environ, **env}, check=True)
    return round(time.monotonic() - began, 1)


def _told(vendor: str, by_size: Mapping[int, Figures], tasks: int) -> Figures:
    """Print the tables of one database; what of them the last line tells."""
    small, large = by_size[SMALL], by_size[tasks]
    for part in ("list", "counts"):
        table(
            f"{vendor}, {part}, p95 in ms at {tasks:,} tasks (p50 at {SMALL:,})",
            ("", *KINDS, "how"),
            (
                (name, *(_cell(term, small[part][name], kind) for kind in KINDS), term["how"])
                for name, term in large[part].items()
            ),
        )
    table(
        f"{vendor}, ms at {tasks:,} tasks",
        ("", "p50", "p95", f"p50 at {SMALL:,}"),
        (
            (name, took["p50"], took["p95"], small[part][name]["p50"])
            for part in ("figures", "pages", "tags")
            for name, took in large[part].items()
        ),
    )
    slow, grown = _slow(large), _grown(small, large)
    for title, lines in (("above the goal", slow), ("grown", grown)):
        print(f"{vendor}, {title}: {', '.join(lines) or 'none'}")
    for statement in large["full_scans"]:
        print(f"{vendor}, reads a whole table: {statement}")
    return {
        "worst_p95_ms": max(took["p95"] for _, took in _answers(large)),
        "slow": slow,
        "grown": grown,
        "full_scans": len(large["full_scans"]),
        "filled_s": large["filled_s"],
    }


def _cell(term: Figures, small: Figures, kind: str) -> str:
    return f"{term[kind]['p95']:.1f} ({small[kind]['p50']:.1f})"


def _answers(figures: Figures) -> list[tuple[str, Figures]]:
    terms = [
        (f"{part} {name} {kind}", term[kind])
        for part in ("list", "counts")
        for name, term in figures[part].items()
        for kind in KINDS
    ]
    return terms + [each for part in ("figures", "pages") for each in figures[part].items()]


def _slow(large: Figures) -> list[str]:
    return [name for name, took in _answers(large) if took["p95"] > GOAL_MS]


def _grown(small: Figures, large: Figures) -> list[str]:
    """The pages of terms by index that cost more than they may, by their medians."""
    return [
        f"{name} {kind} {before:.1f} to {now:.1f} ms"
        for name, term in large["list"].items()
        if term["how"] == "by index"
        for kind in KINDS
        if (now := term[kind]["p50"])
        > max(FLOOR_MS, GOAL_GROWTH * (before := small["list"][name][kind]["p50"]))
    ]


if __name__ == "__main__":
    main()
