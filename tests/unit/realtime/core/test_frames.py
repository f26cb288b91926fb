"""Client frames read into values, and the pieces that server frames are made of."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core import frames, framing
from realtime.core.frames import Ack, Close, FrameError, Open, Since, Subjects, Token, parse
from realtime.core.framing import Text


def test_an_open_frame_has_defaults() -> None:
    assert parse({"op": "open", "view": 1, "of": "tasks"}) == Open(view=1, of="tasks")


def test_an_open_frame_with_everything() -> None:
    frame = {"op": "open", "view": 1, "of": "tasks", "query": "name:x", "limit": 20}
    since = {"epoch": "e1", "revision": 812}

    assert parse({**frame, "since": since}) == Open(1, "tasks", "name:x", 20, (), Since("e1", 812))


def test_ids_are_followed_once_each_and_are_the_limit() -> None:
    found = parse({"op": "open", "view": 1, "of": "tasks", "ids": ["b", "a", "b"]})

    assert found == Open(1, "tasks", limit=2, ids=("b", "a"))


@pytest.mark.parametrize("of", ["task", "worker"])
def test_one_thing_is_opened_by_its_id(of: str) -> None:
    assert parse({"op": "open", "view": 1, "of": of, "id": "x"}) == Open(1, of, limit=1, ids=("x",))


def test_close_and_ack() -> None:
    assert parse({"op": "close", "view": 3}) == Close(3)
    assert parse({"op": "ack", "frame": 17}) == Ack(17)


@pytest.mark.parametrize(
    "frame",
    [
        None,
        [],
        "open",
        {},
        {"op": 1},
        {"op": "jump"},
        {"op": "open"},
        {"op": "open", "view": -1, "of": "tasks"},
        {"op": "open", "view": True, "of": "tasks"},
        {"op": "open", "view": 1.5, "of": "tasks"},
        {"op": "open", "view": 2**60, "of": "tasks"},
        {"op": "open", "view": 1},
        {"op": "open", "view": 1, "of": ["tasks"]},
        {"op": "open", "view": 1, "of": "tasks", "query": 1},
        {"op": "open", "view": 1, "of": "tasks", "limit": 0},
        {"op": "open", "view": 1, "of": "tasks", "limit": "9"},
        {"op": "open", "view": 1, "of": "tasks", "ids": []},
        {"op": "open", "view": 1, "of": "tasks", "ids": "abc"},
        {"op": "open", "view": 1, "of": "tasks", "ids": ["x"] * 501},
        {"op": "open", "view": 1, "of": "tasks", "ids": ["x" * 256]},
        {"op": "open", "view": 1, "of": "tasks", "ids": ["x"], "query": "a"},
        {"op": "open", "view": 1, "of": "workers", "ids": ["x"]},
        {"op": "open", "view": 1, "of": "task", "id": ""},
        {"op": "open", "view": 1, "of": "task", "id": None},
        {"op": "open", "view": 1, "of": "tasks", "since": 5},
        {"op": "open", "view": 1, "of": "tasks", "since": {"epoch": "e"}},
        {"op": "close"},
        {"op": "ack", "frame": None},
    ],
)
def test_what_is_no_frame_is_named_as_such(frame: Any) -> None:
    with pytest.raises(FrameError) as error:
        parse(frame)
    assert error.value.code == "bad_frame"


@pytest.mark.parametrize("of", frames.TOLD)
def test_what_only_the_store_can_tell_is_watched_whole(of: str) -> None:
    assert parse({"op": "open", "view": 1, "of": of}) == Open(1, of)
    with pytest.raises(FrameError, match="takes no ids"):
        parse({"op": "open", "view": 1, "of": of, "ids": ["a"]})


@pytest.mark.parametrize("of", [of for of in frames.SERVED if of not in ("tasks", "failures")])
def test_a_query_is_for_tasks_and_failures(of: str) -> None:
    with pytest.raises(FrameError, match="Only a view of tasks or failures"):
        parse({"op": "open", "view": 1, "of": of, "id": "a", "query": "name:x"})


def test_a_token_and_the_subjects_that_it_opens() -> None:
    assert parse({"op": "open", "view": 1, "of": "progress"}) == Open(1, "progress")
    assert parse({"op": "token", "key": "a1", "token": "x"}) == Token("a1", "x")
    change = {"op": "subjects", "view": 1, "add": ["task:a", "group:b", "task:a"]}
    assert parse(change) == Subjects(1, ("task:a", "group:b"), ())
    assert parse({**change, "remove": ["task:c"]}).remove == ("task:c",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"key": "a1"},
        {"token": "x"},
        {"key": "", "token": "x"},
        {"key": "k" * 65, "token": "x"},
        {"key": 1, "token": "x"},
        {"key": "a1", "token": None},
        {"key": "a1", "token": ["x"]},
    ],
)
def test_a_token_without_key_or_text_is_a_bad_token(fields: dict[str, object]) -> None:
    with pytest.raises(FrameError) as error:
        parse({"op": "token", **fields})
    assert error.value.code == "bad_token"


@pytest.mark.parametrize(
    "fields",
    [
        {"add": ["task:a"]},
        {"view": "1", "add": ["task:a"]},
        {"view": 1, "add": "task:a"},
        {"view": 1, "add": {"task:a": 1}},
        {"view": 1, "add": [None]},
        {"view": 1, "add": [["task:a"]]},
        {"view": 1, "add": ["a"]},
        {"view": 1, "add": ["task:"]},
        {"view": 1, "add": ["worker:a"]},
        {"view": 1, "remove": ["x" * 300]},
        {"view": 1, "add": ["task:" + "x" * 256]},
        {"view": 1, "add": ["task:a"] * 501},
    ],
)
def test_what_names_no_subjects_is_a_bad_frame(fields: dict[str, object]) -> None:
    with pytest.raises(FrameError) as error:
        parse({"op": "subjects", **fields})
    assert error.value.code == "bad_frame"
    assert len(error.value.message) < 200


@pytest.mark.parametrize("of", ["group"])
def test_views_of_later_versions_are_not_supported(of: str) -> None:
    with pytest.raises(FrameError) as error:
        parse({"op": "open", "view": 4, "of": of})
    assert (error.value.code, error.value.view) == ("not_supported", 4)


def test_a_message_repeats_only_a_little_of_a_bad_value() -> None:
    with pytest.raises(FrameError) as error:
        parse({"op": "x" * 10_000})
    assert len(error.value.message) < 200


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_NAMES = "view of query limit id ids since frame key token add remove".split()  # noqa: SIM905
_OPS = st.sampled_from(["open", "close", "ack", "token", "subjects"])
_GOOD = st.sampled_from([1, "tasks", "progress", ["task:a"]])
_FRAMES = st.builds(
    lambda op, fields: {"op": op, **fields},
    _OPS,
    st.dictionaries(st.sampled_from(_NAMES), _JSON | _GOOD),
)


@given(_JSON | _FRAMES)
def test_whatever_a_peer_sends_is_read_or_refused(value: object) -> None:
    with suppress(FrameError):
        assert isinstance(parse(value), Open | Close | Ack | Token | Subjects)


def test_a_snapshot_and_a_patch_are_json() -> None:
    rows = [framing.sized('{"id":"t1"}'), framing.sized('{"id":"t2"}')]
    snapshot = framing.head("snapshot", 3, 1) + framing.snapshot_body(
        9, rows, 1, 2, '{"all":[2,false]}'
    )
    patch = framing.head("patch", 4, 1) + framing.patch_body(9, rows, [framing.sized('"t0"')])

    assert json.loads(snapshot) == {
        "op": "snapshot",
        "frame": 3,
        "view": 1,
        "revision": 9,
        "rows": [{"id": "t1"}, {"id": "t2"}],
        "part": 1,
        "of": 2,
        "counts": {"all": [2, False]},
    }
    assert json.loads(patch)["remove"] == ["t0"]


@given(st.lists(st.integers(1, 400), max_size=60))
def test_pieces_hold_everything_in_order_within_their_room(sizes: list[int]) -> None:
    texts = [Text("x", size) for size in sizes]
    found = framing.pieces(texts, room=300)

    assert [text for piece in found for text in piece] == texts
    for piece in found:
        assert len(piece) <= 1 or sum(text.size + 1 for text in piece) <= 300


def test_there_is_at_least_one_piece() -> None:
    assert framing.pieces([]) == [[]]
