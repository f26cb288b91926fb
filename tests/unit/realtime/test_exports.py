"""What hosts import stays importable by the names that the documentation tells."""

import pytest

import realtime.worker
from dashboard import status
from realtime.core import public


def test_a_worker_imports_these_names_and_no_others() -> None:
    assert realtime.worker.__all__ == ["Progress", "PublicError", "headers", "install", "track"]


def test_server_code_imports_these_names_and_no_others() -> None:
    assert status.__all__ == [
        "Group",
        "NotSuccessful",
        "Task",
        "TaskFailed",
        "Tree",
        "aexpect",
        "aexpect_group",
        "aget_group",
        "aget_task",
        "expect",
        "expect_group",
        "get_group",
        "get_task",
    ]


@pytest.mark.parametrize("module", [realtime.worker, status])
def test_everything_that_is_exported_is_there_and_says_what_it_is(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]
        assert getattr(module, name).__doc__


def test_the_words_of_a_public_error_are_shown_and_those_of_its_bases_are_not() -> None:
    error = realtime.worker.PublicError("The file has no header row.")
    assert public.message(repr(error)) == "The file has no header row."
    assert public.message(repr(Exception("The file has no header row."))) is None
