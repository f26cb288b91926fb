"""What every benchmark shares: its options, the peer's environment, processes measured, a report.

Servers are private ones of `tests/services`; absolute times on a shared machine mean little, so
what is compared runs in the same run, in turns, and the median counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CACHE = Path(__file__).parent / ".cache"
FLOWER = "flower==2.2.*"
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def options(description: str) -> argparse.ArgumentParser:
    """The parser of a benchmark, with `--quick`: less of everything, done in under 50 s."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="less of everything, under 50 s")
    return parser


def flower_python() -> Path:
    """The interpreter of an environment that holds Flower, made from the package index once."""
    home = CACHE / "flower"
    python = home / "bin" / "python"
    ready = home / ".ready"
    if not ready.exists():
        say(f"Installing {FLOWER} into {home}")
        venv.create(home, with_pip=True, clear=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check"]
        subprocess.run([*pip, FLOWER, "celery[redis]"], check=True, capture_output=True)
        ready.touch()
    return python


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, in user and system mode, all threads."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS_A_SECOND


def family_cpu_s(pid: int) -> float:
    """Seconds of CPU of a process, its running children, and those it has waited for."""
    family = [pid, *_children(pid)]
    waited = sum(map(int, _stat(pid)[13:15])) / _TICKS_A_SECOND
    return waited + sum(map(cpu_s, family))


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE_BYTES / 1e6


def say(line: str) -> None:
    """Progress, for people who wait."""
    print(line, file=sys.stderr, flush=True)


def median(values: Iterable[float]) -> float:
    """The median, rounded to what a shared machine can tell."""
    return float(f"{statistics.median(values):.4g}")


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: the first column is text, the others are numbers."""
    lines = [tuple(map(str, line)) for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}")
    for first, *rest in lines:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join((first.ljust(widths[0]), *cells)))


def report(benchmark: str, figures: Mapping[str, object]) -> None:
    """The last line: one JSON object."""
    print(json.dumps({"benchmark": benchmark, **figures}), flush=True)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name (see proc(5)); `state` is the first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]
