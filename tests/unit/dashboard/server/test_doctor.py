"""How the doctor tells what it finds."""

import io
from collections.abc import Iterator

from dashboard.server.doctor import Finding, examine, tell


def broken() -> Iterator[Finding]:
    raise OSError("connection\n refused")
    yield


def test_a_check_that_breaks_is_a_finding_and_keeps_none_from_running() -> None:
    fine = Finding("ok", "b", "works")
    found = list(examine([("a", broken), ("b", lambda: [fine])]))
    assert found == [Finding("fail", "a", "OSError: connection refused"), fine]


def test_a_finding_is_told_with_the_line_to_change() -> None:
    out = io.StringIO()
    code = tell([Finding("warn", "events", "are off", "start with -E")], out)
    assert out.getvalue().splitlines() == [
        "warn  events           are off",
        "                       change: start with -E",
    ]
    assert code == 0


def test_one_failure_makes_the_exit_code_1() -> None:
    findings = [Finding("fail", "a", "broken"), Finding("ok", "b", "works")]
    assert tell(findings, io.StringIO()) == 1
