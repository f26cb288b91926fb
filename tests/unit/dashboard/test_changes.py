"""Web-side writes take their numbers as every other writer does."""

import threading

import pytest
from django.db import OperationalError, connection

from dashboard.changes import numbered
from dashboard.models import Stream
from dashboard.store import Store
from realtime.ports import Changes, StoreUnavailable
from tests.unit.dashboard import stored

pytestmark = pytest.mark.django_db(transaction=True)


def revision() -> int:
    return Stream.objects.get().revision


def test_the_numbers_follow_those_of_other_writers() -> None:
    stored.write([stored.queued("a"), stored.queued("b")])
    before = revision()
    with numbered(3) as numbers:
        assert list(numbers) == [before + 1, before + 2, before + 3]
    assert revision() == before + 3
    stored.write([stored.queued("c")])
    assert revision() > before + 3


def test_a_database_that_was_emptied_begins_anew() -> None:
    Stream.objects.all().delete()
    with numbered() as [number]:
        assert number == 1
    assert Stream.objects.get().epoch


def test_numbers_of_what_was_not_written_are_not_taken() -> None:
    stored.write([stored.queued("a")])
    before = revision()
    with pytest.raises(RuntimeError), numbered():
        raise RuntimeError
    assert revision() == before


def test_a_failing_database_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable), numbered():
        raise OperationalError("gone")


def test_another_writer_waits_for_the_end() -> None:
    stored.write([stored.queued("a")])
    before = revision()
    done = threading.Event()

    def write() -> None:
        store = Store()
        commit = store.commit("token", Changes(tasks=[stored.queued("b")]))
        found.append(commit.previous)
        store.close()
        done.set()

    found: list[int] = []
    with numbered(5):
        thread = threading.Thread(target=write)
        thread.start()
        assert not done.wait(0.2)
    assert done.wait(20)
    thread.join()
    assert found == [before + 5]


def test_a_frozen_writer_is_ended_so_that_the_receiver_goes_on() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's lock ends with its process")
    with numbered(), connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("2s",)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)
