"""What the standalone server's log leaves out."""

import logging

from dashboard.server.logs import Seldom


def record(at: float) -> logging.LogRecord:
    made = logging.LogRecord(
        "pool", logging.WARNING, "", 0, "refused by %s\n\tand so on", ("h",), None
    )
    made.created = at
    return made


def test_what_repeats_is_told_once_a_minute_on_one_line() -> None:
    seldom = Seldom()
    first = record(0.0)
    assert seldom.filter(first)
    assert first.getMessage() == "refused by h and so on"
    assert [seldom.filter(record(at)) for at in (1.0, 59.9, 60.0, 61.0)] == [
        False,
        False,
        True,
        False,
    ]


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    seldom = Seldom()
    assert seldom.filter(record(1e9))
    assert seldom.filter(record(1.0))
