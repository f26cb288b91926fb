"""What may be done to a task, why not, and what the broker is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from dashboard import actions, dispatch, reasons
from dashboard.actions import Act, Health, Impossible
from dashboard.dispatch import BrokerAway, NotSent
from realtime.core import query
from realtime.core.task import Task
from realtime.core.wire import task_row
from realtime.ports import Rights
from tests.unit.dashboard import stored
from tests.unit.dashboard.stored import WORKER

REVOKE, TERMINATE, RETRY = (Act(action=word) for word in ("revoke", "terminate", "retry"))
ALIVE = {WORKER: Health("online", "prefork")}
ALL = Rights(user="ann", can=frozenset({"view_task", "revoke_task", "retry_task"}))


class FakeBroker:
    """Writes down what it is told; `away_after` sends it does not answer any more."""

    def __init__(self) -> None:
        self.revoked: list[tuple[list[str], str | None]] = []
        self.sent: list[dict[str, Any]] = []
        self.is_away = False
        self.away_after = 1_000_000
        self.broken: dict[str, NotSent] = {}

    def __enter__(self) -> "FakeBroker":
        if self.is_away:
            raise BrokerAway("ConnectionRefusedError")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def revoke(self, ids: list[str], signal: str | None) -> None:
        self.revoked.append((list(ids), signal))

    def send(self, name: str, args: list, kwargs: dict, **how: Any) -> str:
        if name in self.broken:
            raise self.broken[name]
        if len(self.sent) >= self.away_after:
            raise BrokerAway("TimeoutError")
        self.sent.append({"name": name, "args": args, "kwargs": kwargs, **how})
        return f"new-{len(self.sent)}"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeBroker:
    settings.HEADWAY_BROKER_URL = "memory://"
    broker = FakeBroker()
    monkeypatch.setattr(dispatch, "opened", lambda app: broker)
    return broker


def refused(act: Act, task: Task, workers: actions.Workers = ALIVE) -> str | None:
    return actions.refusal(act, task_row(task, 1), workers)


def perform(act: Act, *ids: str, rights: Rights = ALL) -> list[tuple[str, str, str | None]]:
    found = actions.perform(act, ids, rights, actions.celery_app())
    return [(each.target, each.outcome, each.reason) for each in found]


@pytest.mark.parametrize(
    ("act", "task", "reason"),
    [
        (REVOKE, stored.queued("a"), None),
        (REVOKE, stored.received("a"), None),
        (TERMINATE, stored.queued("a"), None),
        (REVOKE, stored.running("a"), "running"),
        (TERMINATE, stored.running("a"), None),
        (REVOKE, stored.failed("a"), "finished"),
        (TERMINATE, stored.succeeded("a"), "finished"),
        (REVOKE, replace(stored.failed("a"), conclusion="lost"), None),
        (RETRY, stored.queued("a"), "unfinished"),
        (RETRY, stored.running("a"), "unfinished"),
        (RETRY, stored.failed("a"), None),
        (RETRY, stored.succeeded("a"), None),
        (RETRY, replace(stored.failed("a"), conclusion="lost"), None),
    ],
)
def test_what_is_over_can_be_retried_and_what_is_not_can_be_revoked(
    act: Act, task: Task, reason: str | None
) -> None:
    assert refused(act, task) == reason


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        ({WORKER: Health("online", "prefork")}, None),
        ({WORKER: Health("silent", None)}, None),
        ({WORKER: Health("gone", "prefork"), "other": Health("online", "prefork")}, "worker_gone"),
        ({"other": Health("online", "prefork")}, "worker_gone"),
        ({}, "worker_gone"),
        ({WORKER: Health("online", "thread")}, "pool"),
        ({WORKER: Health("online", "solo")}, "pool"),
        ({WORKER: Health("gone", "prefork")}, "no_worker"),
    ],
)
def test_terminating_needs_a_living_worker_that_can(
    workers: actions.Workers, reason: str | None
) -> None:
    assert refused(TERMINATE, stored.running("a"), workers) == reason


@pytest.mark.parametrize(
    ("workers", "reason"),
    [({}, None), (ALIVE, None), ({WORKER: Health("gone", None)}, "no_worker")],
)
def test_a_revocation_needs_someone_to_remember_it(
    workers: actions.Workers, reason: str | None
) -> None:
    assert refused(REVOKE, stored.queued("a"), workers) == reason


@pytest.mark.parametrize("action", ["revoke", "terminate", "retry"])
def test_an_action_needs_its_permission_and_sight_of_the_task(action: str) -> None:
    needed = actions.NEEDED[action]
    assert actions.missing(action, ALL) is None
    assert actions.missing(action, Rights(user="ann", can=frozenset({needed}))) == "view_task"
    assert actions.missing(action, Rights(user="ann", can=frozenset({"view_task"}))) == needed


def test_every_reason_has_a_sentence() -> None:
    for reason in reasons.SENTENCES:
        sentence = reasons.sentence(reasons.stored(reason, "x"))
        assert sentence is not None
        assert sentence.endswith(".")
        assert "%" not in sentence


def test_only_what_comes_with_more_words_has_a_place_for_them() -> None:
    filled = {reason for reason, text in reasons.SENTENCES.items() if "%(more)s" in str(text)}
    assert filled == {"no_queue", "broker_away", "not_sent"}


def test_a_reason_is_stored_as_a_word_and_told_as_a_sentence() -> None:
    text = reasons.stored("broker_away", "OSError (Connection refused)")
    assert text == "broker_away: OSError (Connection refused)"
    assert reasons.code(text) == "broker_away"
    with translation.override("en"):
        assert reasons.sentence(text) == (
            "The broker does not answer (OSError (Connection refused)). Try again when it is back."
        )
    assert reasons.stored(None) is reasons.code(None) is reasons.sentence(None) is None
    assert reasons.sentence("words of another version") == "words of another version"


def test_without_a_celery_app_the_missing_setting_is_named(settings: Any) -> None:
    settings.HEADWAY_BROKER_URL = None
    with pytest.raises(Impossible) as raised:
        actions.celery_app()
    assert raised.value.reason == "no_app"
    assert "HEADWAY_CELERY_APP" in str(reasons.sentence("no_app"))


def test_an_app_that_cannot_be_loaded_is_another_reason(settings: Any) -> None:
    settings.HEADWAY_CELERY_APP = "no_such_package_here:app"
    with pytest.raises(Impossible) as raised:
        actions.celery_app()
    assert raised.value.reason == "bad_app"


def test_an_app_that_fails_while_it_is_imported_is_that_reason_too(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_host_app.py").write_text("raise RuntimeError('no settings here')")
    monkeypatch.syspath_prepend(tmp_path)
    settings.HEADWAY_CELERY_APP = "broken_host_app:app"
    with pytest.raises(Impossible) as raised:
        actions.celery_app()
    assert raised.value.reason == "bad_app"


def test_the_app_is_loaded_once_for_the_settings(settings: Any) -> None:
    settings.HEADWAY_BROKER_URL = "memory://"
    first = actions.celery_app()
    assert actions.celery_app() is first
    settings.HEADWAY_BROKER_URL = "memory://other"
    assert actions.celery_app() is not first


@pytest.mark.django_db(transaction=True)
class TestPerforming:
    def test_all_are_revoked_in_one_message_and_the_rest_is_told(self, broker: FakeBroker) -> None:
        stored.write(
            [stored.queued("a"), stored.received("b"), stored.running("c"), stored.failed("d")],
            [stored.worker()],
        )
        assert perform(REVOKE, "a", "x", "b", "c", "d", "a") == [
            ("a", "done", None),
            ("x", "refused", "unknown"),
            ("b", "done", None),
            ("c", "refused", "running"),
            ("d", "refused", "finished"),
        ]
        assert broker.revoked == [(["a", "b"], None)]

    def test_what_runs_is_ended_with_the_signal(self, broker: FakeBroker) -> None:
        stored.write([stored.running("c")], [stored.worker()])
        assert perform(Act(action="terminate", signal="SIGKILL"), "c") == [("c", "done", None)]
        assert broker.revoked == [(["c"], "SIGKILL")]

    def test_nothing_is_sent_where_everything_is_refused(self, broker: FakeBroker) -> None:
        broker.is_away = True
        assert perform(REVOKE, "x") == [("x", "refused", "unknown")]

    def test_what_may_not_be_seen_is_unknown(self, broker: FakeBroker) -> None:
        stored.write([stored.failed("a", name="shop.pay"), stored.failed("b", name="hr.fire")])
        few = replace(ALL, rows=query.parse("name:shop.*"))
        assert perform(RETRY, "a", "b", rights=few) == [
            ("a", "done", None),
            ("b", "refused", "unknown"),
        ]
        assert [sent["name"] for sent in broker.sent] == ["shop.pay"]

    def test_a_retry_keeps_name_arguments_queue_and_priority(self, broker: FakeBroker) -> None:
        task = stored.failed("a", name="shop.pay", args="(7, 'x')", kwargs="{'fast': True}")
        stored.write([replace(task, queue="payments", priority=3)])
        [outcome] = actions.perform(RETRY, ["a"], ALL, actions.celery_app())
        assert (outcome.outcome, outcome.new_id, outcome.name) == ("done", "new-1", "shop.pay")
        assert broker.sent == [
            {
                "name": "shop.pay",
                "args": [7, "x"],
                "kwargs": {"fast": True},
                "queue": "payments",
                "priority": 3,
            }
        ]

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"args": "(<Order 7>,)"}, "no_arguments"),
            ({"args": None}, "no_arguments"),
            ({"kwargs": None}, "no_arguments"),
            ({"args": "('[redacted]',)"}, "redacted_arguments"),
            ({"name": None}, "no_name"),
        ],
    )
    def test_a_retry_with_anything_unknown_is_refused(
        self, broker: FakeBroker, fields: dict[str, Any], reason: str
    ) -> None:
        stored.write([stored.failed("a", **fields)])
        assert perform(RETRY, "a") == [("a", "refused", reason)]
        assert broker.sent == []

    def test_one_that_cannot_be_sent_does_not_stop_the_others(self, broker: FakeBroker) -> None:
        broker.broken = {
            "bad": NotSent("not_sent", "EncodeError"),
            "gone": NotSent("no_queue", "old"),
        }
        names = ["bad", "gone", "good"]
        stored.write([stored.failed(name, name=name) for name in names])
        assert perform(RETRY, *names) == [
            ("bad", "failed", "not_sent"),
            ("gone", "refused", "no_queue"),
            ("good", "done", None),
        ]

    def test_a_broker_that_goes_away_fails_what_was_not_sent_yet(self, broker: FakeBroker) -> None:
        broker.away_after = 1
        stored.write([stored.failed(id_) for id_ in "abc"])
        assert perform(RETRY, "a", "b", "c") == [
            ("a", "done", None),
            ("b", "failed", "broker_away"),
            ("c", "failed", "broker_away"),
        ]

    def test_retries_that_take_long_are_told_before_all_of_them_are_done(
        self, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(actions, "MAX_BATCH_S", 0.0)
        stored.write([stored.failed(id_) for id_ in "abc"])
        assert perform(RETRY, "a", "x", "b", "c") == [
            ("a", "done", None),
            ("x", "refused", "unknown"),
        ]
        assert len(broker.sent) == 1

    @pytest.mark.parametrize("act", [REVOKE, RETRY])
    def test_a_broker_that_is_away_fails_all(self, broker: FakeBroker, act: Act) -> None:
        broker.is_away = True
        stored.write([stored.queued("a") if act is REVOKE else stored.failed("a")])
        outcomes = actions.perform(act, ["a"], ALL, actions.celery_app())
        assert [each.reason for each in outcomes] == ["broker_away"]
        assert actions.is_away(outcomes)
