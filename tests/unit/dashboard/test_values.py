"""What completes a term."""

from collections.abc import Callable

import pytest

from dashboard import values
from dashboard.queries import Reader
from realtime.core import query
from realtime.ports import Rights
from tests.unit.dashboard import stored

pytestmark = pytest.mark.django_db(transaction=True)

EVERYBODY = Rights(user="ines", can=frozenset({"view_task"}))
Ask = Callable[..., list[str]]


@pytest.fixture
def ask() -> Ask:
    """Ask for values, of three tasks and many more of one name."""
    stored.write(
        [
            stored.queued("t1", name="shop.pay", queue="money"),
            stored.queued("t2", name="shop.media.Transcode_video", queue="media"),
            stored.queued("t3", name="report.nightly", queue="money"),
            *(stored.queued(f"m{n}", name="shop.many", queue="media") for n in range(60)),
        ]
    )

    def asked(of: str, starts: str = "", rights: Rights = EVERYBODY) -> list[str]:
        return values.values(Reader(), rights, of, starts, stored.NOW + 5)

    return asked


def test_every_value_is_told_once_in_order(ask: Ask) -> None:
    names = ["report.nightly", "shop.many", "shop.media.Transcode_video", "shop.pay"]
    assert ask("name") == names
    assert ask("queue") == ["media", "money"]


def test_beginning_finds_what_begins_so_and_after_it_what_has_such_a_part(ask: Ask) -> None:
    assert ask("name", "shop.m") == ["shop.many", "shop.media.Transcode_video"]
    assert ask("name", "trans") == ["shop.media.Transcode_video"]
    assert ask("name", "video") == ["shop.media.Transcode_video"]
    assert ask("name", "n") == ["report.nightly"]


def test_what_nobody_knows_is_completed_by_nothing(ask: Ask) -> None:
    for of in values.KINDS:
        assert ask(of, "zz%_'\"") == []


def test_tasks_without_a_value_offer_none(ask: Ask) -> None:
    assert ask("owner") == []
    assert ask("label") == []


def test_no_more_than_fifty_are_told() -> None:
    stored.write([stored.queued(f"t{n}", name=f"shop.step_{n:03}") for n in range(80)])
    told = values.values(Reader(), EVERYBODY, "name", "shop.", stored.NOW)
    assert told == [f"shop.step_{n:03}" for n in range(50)]


def test_whoever_sees_some_tasks_is_told_the_values_of_those_alone(ask: Ask) -> None:
    some = Rights(user="ines", can=frozenset({"view_task"}), rows=query.parse("queue:money"))
    assert ask("name", rights=some) == ["report.nightly", "shop.pay"]
    assert ask("queue", "me", rights=some) == []
