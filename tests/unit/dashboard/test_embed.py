"""`/embed/v1/`: what tokens open, and that nothing else leaves."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from django.test import Client

from dashboard import refused, shown, tokens
from dashboard.views import embed
from realtime.core import public
from realtime.core.public import Expected, Usual
from realtime.ports import StoreUnavailable, StreamInfo
from tests.unit.dashboard import embedded
from tests.unit.dashboard.embedded import (
    BASE,
    KEY,
    NOW,
    OTHER_KEY,
    SECRETS,
    Shelf,
    get,
    group_row,
    post,
    problem,
    row,
    running,
    states,
    token,
)

TASK_FIELDS = {
    "subject", "id", "label", "status", "conclusion", "progress", "queue_position", "eta_seconds",
    "usual_seconds", "attempt", "retry_in", "starts_in", "elapsed_seconds", "is_vouched", "note",
    "error", "result", "can", "updated_at", "revision",
}  # fmt: skip
"""All that may be told of a task; whoever adds one has to think about it here."""
GROUP_FIELDS = {
    "subject", "id", "label", "status", "conclusion", "progress", "counts", "at_least",
    "eta_seconds", "elapsed_seconds", "is_vouched", "note", "can", "updated_at", "revision",
}  # fmt: skip


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    return embedded.shelve(monkeypatch, settings)


# What is told


def test_many_are_told_at_once(shelf: Shelf) -> None:
    told = states(["task:t1", "group:g1"], a=token(), b=token(tasks=None, groups=["g1"]))
    assert [each["subject"] for each in told["states"]] == ["task:t1", "group:g1"]
    assert (told["errors"], told["epoch"], told["revision"]) == ([], "e1", 9)
    assert told["states"][0]["progress"]["percent"] == 40.0
    assert told["states"][1]["counts"]["failed"] == 1


def test_a_page_is_told_when_to_ask_again_and_that_nothing_is_to_be_kept(shelf: Shelf) -> None:
    answer = post("states", {"tokens": {"a": token()}, "subjects": ["task:t1"]})
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_average_pace_gives_the_time_left(shelf: Shelf) -> None:
    [told] = states(["task:t1"])["states"]
    assert told["eta_seconds"] == 27.0  # 40 % in 18 s


def test_the_place_in_line_and_the_usual_time_are_told(shelf: Shelf) -> None:
    shelf.tasks["t1"] = running(status="queued", started_at=None, progress=None)
    shelf.lines["queue-of-secrets"] = [(NOW - 9, "other-id"), (NOW - 8, "t1"), (NOW, "third-id")]
    shelf.usually["shop.secret_name"] = Usual(40.0, 55.0, 50.0)
    [told] = states(["task:t1"])["states"]
    assert told["queue_position"] == 2
    assert told["usual_seconds"] == [40.0, 55.0]


def test_what_was_never_seen_counts_as_handed_over_by_the_tokens_word(shelf: Shelf) -> None:
    [told] = states(["task:new"], a=token(tasks=["new"], iat=NOW - 5))["states"]
    assert (told["status"], told["note"]) == ("queued", "handed_over")
    assert shelf.expected == {"task:new": Expected(NOW - 5)}


def test_a_token_of_an_owner_opens_that_owners_tasks_alone(shelf: Shelf) -> None:
    told = states(["task:t1", "task:no", "group:g1"], a=token(tasks=None, owner="owner-secret"))
    assert [each["id"] for each in told["states"]] == ["t1"]
    assert [each["subject"] for each in told["errors"]] == ["task:no", "group:g1"]
    told = states(["task:t1"], a=token(tasks=None, owner="somebody"))
    assert told["states"] == []
    assert shelf.expected == {}


def test_tokens_add_up(shelf: Shelf) -> None:
    shelf.tasks["t1"] = row(conclusion="succeeded", status="completed", exception=None)
    both = {"a": token(label="Film"), "b": token(can=["result"])}
    [told] = states(["task:t1"], **both)["states"]
    assert (told["label"], told["result"]) == ("Film", "'result-secret'")


def test_a_blind_stream_is_told(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    info = StreamInfo(epoch="e1", revision=9, floor=0, alive_at=NOW - 60)
    monkeypatch.setattr(shown.queries.Reader, "stream", lambda self: info)
    [told] = states(["task:t1"])["states"]
    assert told["note"] == "blind"


def test_one_task_and_one_group_are_told_to_programs(shelf: Shelf) -> None:
    assert get("tasks/t1", token()).json()["status"] == "running"
    assert get("groups/g1", token(tasks=None, groups=["g1"])).json()["progress"]["total"] == 4


def test_an_id_may_hold_slashes(shelf: Shelf) -> None:
    shelf.tasks["a/b/c"] = running("a/b/c")
    assert get("tasks/a%2Fb/c", token(tasks=["a/b/c"])).json()["id"] == "a/b/c"


def test_who_has_the_row_already_is_told_so(shelf: Shelf) -> None:
    first = get("tasks/t1", token())
    tag = first.headers["ETag"]
    for given in (tag, tag.removeprefix("W/"), f'"x", {tag}'):
        again = get("tasks/t1", token(), **{"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert get("tasks/t1", token(), **{"If-None-Match": '"x"'}).status_code == 200


def test_the_clock_alone_makes_no_other_version(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = get("tasks/t1", token()).headers["ETag"]
    monkeypatch.setattr(shown, "instant", lambda: NOW + 3)
    assert get("tasks/t1", token(), **{"If-None-Match": tag}).status_code == 304
    shelf.tasks["t1"] = running(revision=8)
    assert get("tasks/t1", token(), **{"If-None-Match": tag}).status_code == 200


def test_the_parts_of_a_group_are_four_fields_each(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def page(self: object, select: Any, *_: object) -> Any:
        asked.append(select)
        return SimpleNamespace(rows=[row("t9"), running("t8")])

    monkeypatch.setattr("dashboard.queries.Reader.page", page)
    told = get("groups/g1?parts=100", token(tasks=None, groups=["g1"])).json()
    assert told["parts"] == [
        {"label": "Your video", "status": "running", "conclusion": None, "percent": 40.0},
        {"label": "Your video", "status": "completed", "conclusion": "failed", "percent": None},
    ]
    assert asked[0].limit == 100


@pytest.mark.parametrize("parts", ["-1", "101", "x", "", "1e2", "99999999999", "²"])
def test_a_number_of_parts_that_is_none_is_refused(shelf: Shelf, parts: str) -> None:
    answer = get(f"groups/g1?parts={parts}", token(tasks=None, groups=["g1"]))
    assert problem(answer) == (400, "bad_parameter")


# What is not


def everything(answer: Any) -> str:
    """All that the holder of a token receives: body and headers."""
    return f"{answer.content.decode()} {dict(answer.headers)}"


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("can", [None, ["cancel"], ["cancel", "retry"]])
@pytest.mark.parametrize("made", [row, running], ids=["failed", "running"])
def test_nothing_but_the_public_view_leaves(
    shelf: Shelf, can: list[str] | None, made: Callable[..., dict[str, Any]]
) -> None:
    shelf.tasks["t1"] = made()
    body = {"tokens": {"a": token(can=can)}, "subjects": ["task:t1"]}
    answers = [get("tasks/t1", token(can=can)), post("states", body)]
    for answer in answers:
        assert leaks(everything(answer)) == []
    assert set(answers[0].json()) == TASK_FIELDS
    assert set(answers[1].json()["states"][0]) == TASK_FIELDS


@pytest.mark.parametrize(
    "status",
    ["queued", "scheduled", "reserved", "running", "retrying", "stalled", "completed", "unknown"],
)
def test_no_status_lets_more_through(shelf: Shelf, status: str) -> None:
    shelf.tasks["t1"] = row(status=status, retry_at=NOW + 5, eta=NOW + 5)
    assert leaks(everything(get("tasks/t1", token()))) == []


@pytest.mark.parametrize("name", sorted(row()))
def test_no_field_of_a_row_leaves_by_another_door(shelf: Shelf, name: str) -> None:
    """Each field of the whole row in turn holds a word; it comes out only where it is shown."""
    shelf.tasks["t1"] = row(**{name: "planted-word"})
    is_shown = name in {"label", "updated_at", "revision"}
    try:
        answer = get("tasks/t1", token())
    except TypeError:
        return  # a number's place: nothing is answered at all
    assert ("planted-word" in everything(answer)) is is_shown


def test_a_group_tells_its_own_fields_alone(shelf: Shelf) -> None:
    shelf.groups["g1"] = group_row(name="shop.secret_name", exception="argument-secret")
    answer = get("groups/g1", token(tasks=None, groups=["g1"]))
    assert set(answer.json()) == GROUP_FIELDS
    assert leaks(everything(answer)) == []


def test_a_result_leaves_only_where_it_is_granted(shelf: Shelf) -> None:
    shelf.tasks["t1"] = row(conclusion="succeeded", exception=None)
    assert get("tasks/t1", token()).json()["result"] is None
    assert get("tasks/t1", token(can=["result"])).json()["result"] == "'result-secret'"


def test_only_errors_that_the_host_names_are_told(shelf: Shelf, settings: Any) -> None:
    shelf.tasks["t1"] = row(exception="BadFile('The file is empty.', '/srv/secret/path.py')")
    assert get("tasks/t1", token()).json()["error"]["message"] is None
    settings.HEADWAY_PUBLIC_ERRORS = ["BadFile"]
    answer = get("tasks/t1", token())
    assert answer.json()["error"]["message"] == "The file is empty."
    assert leaks(everything(answer)) == []


def test_of_another_task_not_even_its_being_there_is_told(shelf: Shelf) -> None:
    there, absent = get("tasks/t2", token()), get("tasks/t3", token())
    assert problem(there) == problem(absent) == (403, "not_allowed")
    assert there.content == absent.content
    assert shelf.asked == [[], []]  # nothing was even read
    told = states(["task:t2", "task:t3", "group:g1"])
    assert told["states"] == []
    assert [
        {name: value for name, value in each.items() if name != "subject"}
        for each in told["errors"]
    ] == 3 * [{"code": "not_allowed", "message": shown.NOT_ALLOWED, "retry": False}]


def test_a_group_of_the_same_id_is_another_thing(shelf: Shelf) -> None:
    assert problem(get("groups/t1", token())) == (403, "not_allowed")


def _unsigned() -> str:
    claims = {"aud": "headway", "exp": NOW + 900, "tasks": ["t1"]}
    return jwt.encode(claims, None, "none")


BAD: dict[str, tuple[str, str, str]] = {
    "wrong key": (token(OTHER_KEY), "bad_token", "bad_signature"),
    "tampered": (token()[:-2] + "AA", "bad_token", "bad_signature"),
    "alg none": (_unsigned(), "bad_token", "bad_algorithm"),
    "wrong algorithm": (token("k" * 64, "HS512"), "bad_token", "bad_algorithm"),
    "no token": ("x.y.z", "bad_token", "malformed"),
    "no claims": (token(exp=None), "bad_token", "malformed"),
    "huge": ("x" * 20_000, "bad_token", "malformed"),
    "wrong audience": (token(aud="other"), "wrong_audience", "wrong_audience"),
    "expired": (token(exp=NOW - 1), "token_expired", "token_expired"),
    "too long-lived": (token(exp=NOW + 90_000), "too_long_lived", "too_long_lived"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_token_is_refused_with_a_sentence_and_counted_by_reason(
    shelf: Shelf, bad: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    text, code, reason = bad
    with caplog.at_level(logging.DEBUG):
        one = get("tasks/t1", text)
        assert problem(one) == (401, code)
        assert one.headers["WWW-Authenticate"].startswith("Bearer")
        told = states(["task:t1"], a=text)
    assert told["states"] == []
    assert [each.get("code") for each in told["errors"]] == [code, "not_allowed"]
    assert told["errors"][0]["retry"] is (code == "token_expired")
    assert refused.told() == {reason: 2, "not_allowed": 1}
    assert text not in caplog.text
    assert text not in one.content.decode()


def test_a_flood_of_bad_tokens_is_counted_and_does_not_fill_the_log(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="dashboard"):
        for _ in range(4):
            states(["task:t1"], **{f"k{n}": "no token" for n in range(100)})
    assert refused.counts["malformed"] == 400
    told = [record for record in caplog.records if "malformed" in record.getMessage()]
    assert len(told) < 40


def test_one_bad_token_takes_only_its_own_along(shelf: Shelf) -> None:
    told = states(["task:t1", "task:t2"], a=token(), b=token(exp=NOW - 1, tasks=["t2"]))
    assert [each["id"] for each in told["states"]] == ["t1"]
    assert told["errors"][0]["key"] == "b"


@pytest.mark.parametrize("header", ["", "Basic dDE6", "Bearer", "Bearer  ", "x.y.z"])
def test_without_a_token_nothing_is_told(shelf: Shelf, header: str) -> None:
    answer = get("tasks/t1", Authorization=header)
    assert problem(answer) == (401, "no_token")


def test_a_token_in_the_address_counts_for_nothing(shelf: Shelf) -> None:
    assert problem(get(f"tasks/t1?token={token()}")) == (401, "no_token")


@pytest.mark.django_db
def test_a_session_counts_for_nothing(shelf: Shelf, admin_client: Client) -> None:
    assert problem(admin_client.get(BASE + "tasks/t1")) == (401, "no_token")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"tokens":{}}',
        {"tokens": {"a": "x"}, "subjects": []},
        {"tokens": {}, "subjects": ["task:t1"]},
        {"tokens": ["x"], "subjects": ["task:t1"]},
        {"tokens": {"": "x"}, "subjects": ["task:t1"]},
        {"tokens": {"k" * 65: "x"}, "subjects": ["task:t1"]},
        {"tokens": {str(n): "x" for n in range(501)}, "subjects": ["task:t1"]},
        {"tokens": {"a": "x"}, "subjects": "task:t1"},
        {"tokens": {"a": "x"}, "subjects": ["t1"]},
        {"tokens": {"a": "x"}, "subjects": ["task:"]},
        {"tokens": {"a": "x"}, "subjects": ["worker:w1"]},
        {"tokens": {"a": "x"}, "subjects": [1]},
        {"tokens": {"a": "x"}, "subjects": ["task:" + "x" * 256]},
        {"tokens": {"a": "x"}, "subjects": [f"task:{n}" for n in range(501)]},
        {"tokens": {"a": "x"}, "subjects": ["task:t1"], "since": 7},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_asks_for_nothing_is_refused(shelf: Shelf, body: object) -> None:
    assert problem(post("states", body)) == (400, "bad_request")


def test_a_token_that_is_no_text_is_refused_by_its_key(shelf: Shelf) -> None:
    answer = post("states", {"tokens": {"a": 7}, "subjects": ["task:t1"]})
    assert answer.json()["errors"][0]["key"] == "a"


def test_a_body_that_is_too_large_is_refused(shelf: Shelf, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = {"tokens": {"a": "x" * 200}, "subjects": ["task:t1"]}
    assert problem(post("states", body)) == (413, "too_large")


def test_a_store_that_is_away_tells_nothing_of_itself(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(subjects: object) -> None:
        raise StoreUnavailable("could not connect to server db.secret:5432 as headway")

    monkeypatch.setattr(shelf, "public", fail)
    answer = get("tasks/t1", token())
    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "secret" not in everything(answer)


def test_embedding_is_off_without_a_key(shelf: Shelf, settings: Any) -> None:
    settings.HEADWAY_EMBED_KEY = None
    assert problem(get("tasks/t1", token())) == (404, "not_configured")


def test_every_public_field_is_known_here() -> None:
    shown_row = public.task_row(None, None, public.Shown(), NOW, id="t")
    assert set(shown_row) == TASK_FIELDS
    assert set(public.group_row(None, None, public.Shown(), NOW, id="g")) == GROUP_FIELDS


def test_a_grant_shows_what_it_was_minted_from() -> None:
    grant = tokens.EmbedTokens([KEY]).verify(token(can=["retry"], label="Film"), NOW)
    claims = tokens.of_grant(replace(grant))
    assert (claims.tasks, claims.label, claims.can) == (("t1",), "Film", ("retry",))


def test_the_secrets_of_these_tests_are_where_they_are_said_to_be() -> None:
    text = json.dumps(row())
    assert [secret for secret in SECRETS if secret not in text] == []
    assert embed.MAX_PARTS == 100
