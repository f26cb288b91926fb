"""What workers answer is checked before it is believed."""

import threading

import pytest

from realtime import inspection
from realtime.inbox import Inbox
from realtime.inspection import AGAIN_S, MAX_ASKED, MAX_QUEUES, TRIES, Inspection
from realtime.testing import AT, FakeClock

STATS = {"pool": {"implementation": "celery.concurrency.prefork:TaskPool", "max-concurrency": 4}}
QUEUES = [{"name": "fast", "routing_key": "x"}, {"name": "slow"}]


class Mailbox:
    """Answers as workers do; `answers` names those that are awake."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[tuple[list[str], str]] = []

    def call(self, hostnames: list[str], command: str, timeout: float) -> list[object]:
        self.asked.append((hostnames, command))
        told = {"stats": STATS, "active_queues": QUEUES}[command]
        return [{name: told} for name in hostnames if name in self.answers]


def asked(mailbox: Mailbox, *hostnames: str) -> tuple[Inspection, Inbox]:
    inbox = Inbox()
    made = Inspection(None, inbox, clock=FakeClock())  # type: ignore[arg-type]
    for hostname in hostnames:
        made.notice(hostname)
    made._ask(mailbox)
    return made, inbox


def test_an_answer_becomes_an_event_of_the_worker() -> None:
    _, inbox = asked(Mailbox("a"), "a")
    (delivery,) = inbox.take(10)
    (event,) = delivery.events
    assert event == inspection.Event(
        "worker-inspected",
        "a",
        "a",
        0,
        AT,
        0,
        AT,
        {"pool": "prefork", "concurrency": 4, "queues": ("fast", "slow")},
    )


def test_a_worker_that_does_not_answer_is_asked_again_a_few_times() -> None:
    mailbox = Mailbox("a")
    made, _ = asked(mailbox, "a", "asleep")
    made._ask(mailbox)
    made._ask(mailbox)
    assert [names for names, command in mailbox.asked if command == "stats"] == [
        ["a", "asleep"],
        ["asleep"],
        ["asleep"],
    ]
    assert made._tries == {}


def test_more_workers_than_one_question_names_are_all_asked() -> None:
    names = [f"w{n:04}" for n in range(MAX_ASKED + 1)]
    mailbox = Mailbox(*names)
    made, _ = asked(mailbox, *names)
    made._ask(mailbox)
    questions = [asked for asked, command in mailbox.asked if command == "stats"]
    assert [len(question) for question in questions] == [MAX_ASKED, 1]
    assert made._tries == {}


@pytest.mark.parametrize(
    ("stats", "queues"),
    [
        (None, None),
        ([], {}),
        ({"pool": []}, "fast"),
        ({"pool": {"implementation": 7, "max-concurrency": True}}, 7),
        ({"pool": {"max-concurrency": -1}}, None),
        ({"pool": {"max-concurrency": 10**30}}, None),
    ],
)
def test_an_odd_answer_tells_nothing(stats: object, queues: object) -> None:
    fields = inspection._fields(stats, queues)
    assert fields == {"pool": None, "concurrency": None, "queues": None}


def test_queue_names_are_bounded_and_cleaned() -> None:
    queues = [{"name": f"q{n}\x00"} for n in range(MAX_QUEUES + 5)] + [{"name": None}, 7]
    names = inspection._fields({}, queues)["queues"]
    assert isinstance(names, tuple)
    assert len(names) == MAX_QUEUES
    assert names[0] == "q0"


def test_replies_that_are_no_dicts_are_passed_over() -> None:
    assert inspection._answers([{"a": 1}, None, "x", {7: 1}, {"h" * 300: 1}]) == {"a": 1}
    assert inspection._answers(None) == {}


def test_it_stops_while_nobody_was_noticed() -> None:
    made = Inspection(None, Inbox())  # type: ignore[arg-type]
    thread = threading.Thread(target=made.run)
    thread.start()
    made.stop()
    thread.join(10)
    assert not thread.is_alive()


class Cluster:
    """Workers that answer a survey; `held` is what each command brings to light."""

    def __init__(self, **held: object) -> None:
        self.held = held
        self.asked: list[str] = []

    def multi_call(self, command: str, timeout: float) -> list[object]:
        assert command == "stats"
        return [{"a": {"pid": 7}}, {"b": {"pid": "?"}}]

    def call(self, hosts: list[str], command: str, how: object, timeout: float) -> list[object]:
        self.asked.append(command)
        return [{name: self.held.get(command, []) if name == "a" else []} for name in hosts]


REQUEST = {
    "id": "1",
    "name": "shop.pay",
    "args": [1],
    "kwargs": {"a": 2},
    "time_start": AT - 5,
    "delivery_info": {"routing_key": "fast"},
}


def held(**told: object) -> list[inspection.Event]:
    return inspection._surveyed(Cluster(**told), FakeClock()).events


def test_a_survey_asks_in_the_order_in_which_a_task_moves_on() -> None:
    cluster = Cluster()
    found = inspection._surveyed(cluster, FakeClock())
    assert cluster.asked == ["scheduled", "reserved", "active"]
    assert (found.hosts, found.events) == ({"a", "b"}, [])


def test_what_a_worker_runs_is_evidence_with_its_own_time() -> None:
    context, started = held(active=[REQUEST])
    assert context.fields == {
        "name": "shop.pay",
        "args": [1],
        "kwargs": {"a": 2},
        "queue": "fast",
    }
    assert started[:5] == ("task-started", "1", "a", 7, AT - 5)


def test_a_monotonic_time_of_an_old_worker_is_no_date() -> None:
    assert held(active=[{**REQUEST, "time_start": 1234.5}])[-1].at == AT


def test_what_a_worker_has_reserved_or_scheduled_is_held_by_now() -> None:
    scheduled = {"eta": "2026-11-21T10:00:00+00:00", "request": REQUEST}
    kinds = [(event.kind, event.at) for event in held(scheduled=[scheduled], reserved=[REQUEST])]
    assert kinds == 2 * [("task-context", AT), ("task-received", AT)]
    assert held(scheduled=[scheduled])[-1].fields["eta"] == 1_795_255_200.0


@pytest.mark.parametrize("item", [None, 7, {}, {"id": ""}, {"id": 7}, {"id": "\x00"}])
def test_a_malformed_answer_holds_nothing(item: object) -> None:
    assert held(active=[item], reserved=item, scheduled=[{"request": item}]) == []


def test_an_answer_that_has_grown_old_is_asked_for_again_by_the_leader_alone() -> None:
    inbox, clock, is_leading = Inbox(), FakeClock(), [False]
    made = Inspection(None, inbox, is_leading=lambda: is_leading[0], clock=clock)  # type: ignore[arg-type]
    made.notice("a")
    mailbox = Mailbox("a")
    made._ask(mailbox)
    is_leading[0] = True
    made._recall()
    assert made._tries == {}
    clock.advance(AGAIN_S)
    is_leading[0] = False
    made._recall()
    assert made._tries == {}
    is_leading[0] = True
    made._recall()
    assert made._tries == {"a": TRIES}
    mailbox.answers = ()
    for _ in range(TRIES):
        made._ask(mailbox)
    clock.advance(AGAIN_S)
    made._recall()
    assert made._tries == {}
