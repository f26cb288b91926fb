"""Tracebacks as Python prints them, read back."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard import traceback
from tests.unit.dashboard.samples import TRACEBACK

CHAINED = """Traceback (most recent call last):
  File "/srv/shop/shop/rates.py", line 12, in rate
    return table[currency]
           ~~~~~^^^^^^^^^^
KeyError: 'XXX'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/shop/orders.py", line 40, in total
    raise BadOrder(f"no rate: {currency}\\nask finance")
shop.errors.BadOrder: no rate: XXX
ask finance
"""


def test_frames_of_libraries_are_sections_of_their_own_named_after_the_package() -> None:
    (error,) = traceback.parse(TRACEBACK)
    assert [(section.library, len(section.frames)) for section in error.sections] == [
        ("celery", 2),
        (None, 2),
        ("the standard library", 1),
    ]


def test_last_own_frame_is_marked_and_no_other() -> None:
    (error,) = traceback.parse(TRACEBACK)
    marked = [frame for section in error.sections for frame in section.frames if frame.is_last_own]
    assert [(frame.path, frame.line, frame.function) for frame in marked] == [
        ("/srv/shop/shop/media/transcode.py", 118, "run_ffmpeg")
    ]
    assert marked[0].source == "subprocess.run(cmd, check=True, stdin=DEVNULL, timeout=limit)"


def test_library_paths_start_at_the_package_and_marks_under_the_source_are_left_out() -> None:
    (error,) = traceback.parse(TRACEBACK)
    first = error.sections[0].frames[0]
    assert (first.path, first.source) == (
        "celery/app/trace.py",
        "R = retval = fun(*args, **kwargs)",
    )


def test_exception_line_is_split_into_type_and_message() -> None:
    (error,) = traceback.parse(TRACEBACK)
    assert error.type == "subprocess.CalledProcessError"
    assert error.message.startswith("Command '['ffmpeg'")


def test_chain_keeps_its_order_and_its_links_and_marks_only_the_last_own_frame() -> None:
    first, second = traceback.parse(CHAINED)
    assert (first.type, first.message, first.link) == ("KeyError", "'XXX'", "")
    assert second.link == "During handling of the above exception, another exception occurred:"
    assert second.message == "no rate: XXX\nask finance"
    assert not first.sections[0].frames[0].is_last_own
    assert second.sections[0].frames[0].is_last_own


def test_repeated_lines_of_a_recursion_stay_with_their_frame() -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "/srv/shop/a.py", line 3, in again\n    again()\n'
        "  [Previous line repeated 996 more times]\n"
        "RecursionError: maximum recursion depth exceeded"
    )
    (error,) = traceback.parse(text)
    assert error.sections[0].frames[0].source == "again()\n[Previous line repeated 996 more times]"
    assert error.type == "RecursionError"


def test_windows_paths_are_told_apart_too() -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "C:\\v\\Lib\\site-packages\\celery\\app\\trace.py", line 453, in t\n    fun()\n'
        '  File "C:\\shop\\tasks.py", line 8, in work\n    1 / 0\n'
        "ZeroDivisionError: division by zero"
    )
    (error,) = traceback.parse(text)
    assert [section.library for section in error.sections] == ["celery", None]


def test_text_that_is_no_traceback_is_its_message() -> None:
    (error,) = traceback.parse("the worker said nothing useful")
    assert (error.type, error.message, error.sections) == ("", "the worker said nothing useful", ())


def test_empty_text_has_no_errors() -> None:
    assert traceback.parse("") == ()


@given(st.text(alphabet='Fil e"/,in1\n :^~[]Tracebk', max_size=400))
def test_no_text_breaks_the_reading(text: str) -> None:
    for error in traceback.parse(text):
        assert isinstance(error.message, str)
