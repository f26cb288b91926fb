"""`headway check`: what keeps a cluster from being seen, and the line that changes it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, TextIO

Grade = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """One thing looked at. `change` is what to write where, empty when all is well."""

    grade: Grade
    subject: str
    text: str
    change: str = ""


Check = Callable[[], Iterable[Finding]]


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """What every check finds. One that breaks is a finding itself, and keeps none from running."""
    for subject, check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001 - brokers and backends raise what they like
            yield Finding("fail", subject, f"{type(error).__name__}: {_one_line(error)}")


def tell(findings: Iterable[Finding], out: TextIO = sys.stdout) -> int:
    """Print each finding as it comes; the exit code: 1 when one of them is `fail`."""
    code = 0
    for finding in findings:
        out.write(f"{finding.grade:<5} {finding.subject:<16} {finding.text}\n")
        if finding.change:
            out.write(f"{'':<22} change: {finding.change}\n")
        out.flush()
        code = max(code, 1 if finding.grade == "fail" else 0)
    return code


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
