"""Failures of one cause share a signature; failures of different causes do not."""

import pytest

from realtime.core.signature import MAX_FRAME, MAX_MESSAGE, Failure, failure, masked, signature

TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/media/transcode.py", line 118, in run_ffmpeg
    subprocess.run(cmd, check=True)
  File "/usr/lib/python3.11/subprocess.py", line 571, in run
    raise CalledProcessError(retcode, process.args)
"""
UUID = "8f0c2f7e-1b2d-4c3e-8a4f-0123456789ab"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError('order 12 is gone')", "ValueError('order 99 is gone')"),
        ("KeyError('shoe')", "KeyError('hat')"),
        ("E(<Order object at 0x7f12>)", "E(<Order object at 0x99ab>)"),
        ("shop.errors.CardError('declined')", "CardError('declined')"),
        ("E('no such file: /tmp/a1/b.png')", "E('no such file: /srv/c.png')"),
    ],
)
def test_volatile_parts_do_not_matter(one: str, other: str) -> None:
    assert signature(one, TRACEBACK) == signature(other, TRACEBACK)


def test_the_type_the_message_and_the_place_matter() -> None:
    same = signature("E('x')", TRACEBACK)
    assert signature("F('x')", TRACEBACK) != same
    assert signature("E('y')", TRACEBACK) != same
    assert signature("E('x')", TRACEBACK.replace("run_ffmpeg", "probe")) != same


def test_an_edited_line_and_a_new_release_do_not_matter() -> None:
    same = signature("E('x')", TRACEBACK.replace("/srv/shop", "/srv/releases/41/shop"))
    edited = TRACEBACK.replace("/srv/shop", "/srv/releases/42/shop").replace("118", "121")
    assert signature("E('x')", edited) == same


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"job {UUID} is gone", "job ‹id› is gone"),
        ("job 3f2a9bc1 and abcdefabcdef1234 at 0x7f12", "job ‹id› and ‹id› at ‹id›"),
        ("key AKIA1234567890ABCDEFGH", "key ‹id›"),
        ("mail to a.b+c@example.co.uk bounced", "mail to ‹email› bounced"),
        ("Error 111 connecting to redis:6379.", "Error ‹n› connecting to ‹host›."),
        ("10.0.0.3:5432 or [::1]:80 or fe80::1", "‹host› or ‹host› or ‹host›"),
        ("429 for url: https://x.example/a?b=1", "‹n› for url: ‹url›"),
        ("cannot open /var/data/x1/y.csv here", "cannot open ‹path› here"),
        (r"cannot open C:\Users\ann here", "cannot open ‹path› here"),
        ("cannot open '/tmp/x' or \"y\"", "cannot open ‹quoted› or ‹quoted›"),
        ("it can't and won't", "it can't and won't"),
        ("due 2026-11-21T10:00:01.5Z, is 10:00:02", "due ‹time›, is ‹time›"),
        ("1,000.5 of 7 in order12", "‹n› of ‹n› in order‹n›"),
        ("one\n  two", "one two"),
        ("shop.errors.Declined and/or other-words", "shop.errors.Declined and/or other-words"),
    ],
)
def test_what_differs_between_tasks_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("exception", "type_", "message"),
    [
        ("ValueError('order 12 is gone')", "ValueError", "order ‹n› is gone"),
        ("OSError(2, 'No such file')", "OSError", "No such file"),
        ('E("can\'t open \\"x\\"")', "E", "can't open ‹quoted›"),
        ("E('cut off 12", "E", "cut off ‹n›"),
        ("shop.errors.Declined: card 12", "Declined", "card ‹n›"),
        ("TimeLimitExceeded(10,)", "TimeLimitExceeded", "‹n›"),
        ("KeyError('ann')", "KeyError", "‹quoted›"),
        ("E()", "E", ""),
        ("<odd>", "", "<odd>"),
    ],
)
def test_an_exception_is_shown_by_its_type_and_what_it_says(
    exception: str, type_: str, message: str
) -> None:
    assert failure(exception, None) == Failure(type_, message, None)


def test_the_last_frame_of_the_hosts_own_code_is_the_place() -> None:
    frame = "/srv/shop/media/transcode.py:118 in run_ffmpeg"
    assert failure("E()", TRACEBACK).frame == frame


def test_without_own_code_there_is_no_place() -> None:
    foreign = TRACEBACK.replace("/srv/shop", "/venv/lib/python3.11/site-packages/shop")
    assert failure("E()", foreign).frame is None


@pytest.mark.parametrize("exception", [None, ""])
def test_without_an_exception_there_is_none(exception: str | None) -> None:
    assert signature(exception, TRACEBACK) is None


@pytest.mark.parametrize("text", ["'", '"', "“", "a:", "/a", "1.", "a@", "0x", "\\", "a-1", "::"])
def test_hostile_text_is_bounded(text: str) -> None:
    shown = failure("E('" + text * 50_000, '  File "' * 10_000)
    assert len(shown.message) <= MAX_MESSAGE
    assert (
        len(failure("E", f'  File "{"p" * 500}", line 1, in {"f" * 200}').frame or "") <= MAX_FRAME
    )
