"""Failures of one cause share a signature; failures of different causes do not."""

import pytest

from realtime.core.signature import own_frame, signature

TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/media/transcode.py", line 118, in run_ffmpeg
    subprocess.run(cmd, check=True)
  File "/usr/lib/python3.11/subprocess.py", line 571, in run
    raise CalledProcessError(retcode, process.args)
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError('order 12 is gone')", "ValueError('order 99 is gone')"),
        ("KeyError('a7')", "KeyError('b9')"),
        ("E(<Order object at 0x7f12>)", "E(<Order object at 0x99ab>)"),
        ("shop.errors.CardError('x')", "CardError('y')"),
    ],
)
def test_volatile_parts_do_not_matter(one: str, other: str) -> None:
    assert signature(one, TRACEBACK) == signature(other, TRACEBACK)


def test_the_type_and_the_place_matter() -> None:
    same = signature("E('x')", TRACEBACK)
    assert signature("F('x')", TRACEBACK) != same
    assert signature("E('x')", TRACEBACK.replace("run_ffmpeg", "probe")) != same


def test_the_last_frame_of_the_hosts_own_code_is_the_place() -> None:
    assert own_frame(TRACEBACK) == "/srv/shop/media/transcode.py:run_ffmpeg"


@pytest.mark.parametrize("exception", [None, ""])
def test_without_an_exception_there_is_none(exception: str | None) -> None:
    assert signature(exception, TRACEBACK) is None


def test_hostile_text_is_signed_in_linear_time() -> None:
    assert signature("E(" + "'" * 100_000, '  File "' * 10_000) is not None
