"""Embed tokens: what opens nothing, what opens something, and how they are made."""

import base64
import hashlib
import hmac
import json
import logging
from typing import Any

import jwt
import pytest
from celery import Celery
from celery.result import AsyncResult, GroupResult

from dashboard import conf, shown, status, tokens
from dashboard.status_reading import Known
from dashboard.tokens import EmbedTokens
from realtime.core.public import Expected
from realtime.embedding import BadToken
from realtime.ports import StoreUnavailable
from tests.unit.dashboard.embedded import KEY, NOW, OTHER_KEY, Shelf, token

APP = Celery("tests", broker="memory://", backend="cache+memory://")
OURS = EmbedTokens([KEY])


def refused(value: object, keys: list[str] | None = None) -> tuple[str, str]:
    with pytest.raises(BadToken) as error:
        EmbedTokens([KEY] if keys is None else keys).verify(value, NOW)
    return error.value.code, error.value.message


def handmade(header: dict[str, Any], payload: object, key: str = KEY) -> str:
    """A token that no library would make."""
    parts = [_text(json.dumps(header).encode()), _text(json.dumps(payload).encode())]
    signed = ".".join(parts)
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


GOOD = {"aud": "headway", "exp": NOW + 900, "tasks": ["t1"]}


def test_a_token_of_any_program_opens_its_tasks() -> None:
    grant = OURS.verify(token(tasks=["t1", "t2"], label="Film", can=["retry", "result"]), NOW)
    assert grant.tasks == {"t1", "t2"}
    assert grant.groups == frozenset()
    assert (grant.owner, grant.label, grant.can) == (None, "Film", {"retry", "result"})
    assert (grant.issued_at, grant.expires_at) == (NOW, NOW + 900)


def test_a_token_may_be_for_groups_or_for_an_owner() -> None:
    assert OURS.verify(token(tasks=None, groups=["g1"]), NOW).groups == {"g1"}
    assert OURS.verify(token(tasks=None, owner="user:7"), NOW).owner == "user:7"


def test_a_token_without_an_instant_of_issue_counts_from_now() -> None:
    assert OURS.verify(token(iat=None), NOW).issued_at == NOW


def test_every_key_is_believed_and_the_first_one_signs() -> None:
    both = EmbedTokens([OTHER_KEY, KEY])
    assert both.verify(token(), NOW).tasks == {"t1"}
    mine = both.sign(tokens.claims_of("t1"), NOW)
    assert EmbedTokens([OTHER_KEY]).verify(mine, NOW).tasks == {"t1"}


def test_an_id_given_twice_counts_once() -> None:
    assert OURS.verify(token(tasks=["t1", "t1"]), NOW).tasks == {"t1"}


def test_an_id_may_be_of_any_script() -> None:
    assert OURS.verify(token(tasks=["任务-ü-🙂"], label="Übung"), NOW).tasks == {"任务-ü-🙂"}


def test_one_of_several_audiences_is_enough() -> None:
    assert OURS.verify(token(aud=["other", "headway"]), NOW).tasks == {"t1"}


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": None}, "wrong_audience"),
        ({"aud": ["other"]}, "wrong_audience"),
        ({"aud": {"headway": 1}}, "wrong_audience"),
        ({"exp": NOW - 1, "iat": NOW - 900}, "token_expired"),
        ({"exp": NOW}, "token_expired"),
        ({"exp": NOW + 86_401}, "too_long_lived"),
        ({"exp": NOW + 86_401, "iat": None}, "too_long_lived"),
        ({"exp": NOW + 10, "iat": NOW - 86_400}, "too_long_lived"),
        ({"exp": None}, "bad_token"),
        ({"exp": str(int(NOW + 900))}, "bad_token"),
        ({"exp": True}, "bad_token"),
        ({"exp": 10**30}, "bad_token"),
        ({"exp": [NOW]}, "bad_token"),
        ({"iat": "now"}, "bad_token"),
        ({"iat": NOW + 3600, "exp": NOW + 7200}, "bad_token"),
        ({"nbf": NOW + 3600}, "bad_token"),
        ({"tasks": None}, "bad_token"),
        ({"tasks": []}, "bad_token"),
        ({"tasks": "t1"}, "bad_token"),
        ({"tasks": {"t1": 1}}, "bad_token"),
        ({"tasks": [1]}, "bad_token"),
        ({"tasks": [None]}, "bad_token"),
        ({"tasks": [""]}, "bad_token"),
        ({"tasks": ["x" * 256]}, "bad_token"),
        ({"tasks": ["a\x00b"]}, "bad_token"),
        ({"tasks": ["t"] * 501}, "bad_token"),
        ({"tasks": None, "groups": []}, "bad_token"),
        ({"groups": ["g1"]}, "bad_token"),
        ({"owner": "user:7"}, "bad_token"),
        ({"tasks": None, "owner": ""}, "bad_token"),
        ({"tasks": None, "owner": 7}, "bad_token"),
        ({"tasks": None, "query": "name:*"}, "bad_token"),
        ({"can": "retry"}, "bad_token"),
        ({"can": ["delete"]}, "bad_token"),
        ({"can": [["retry"]]}, "bad_token"),
        ({"can": {"retry": True}}, "bad_token"),
        ({"label": 7}, "bad_token"),
        ({"label": "x" * 201}, "bad_token"),
    ],
)
def test_claims_that_are_wrong_open_nothing(claims: dict[str, Any], code: str) -> None:
    found, message = refused(token(**claims))
    assert found == code
    assert message.endswith(".")


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_instant_that_is_no_number_opens_nothing(exp: str) -> None:
    payload = json.dumps(GOOD).replace(str(NOW + 900), exp)
    head = _text(b'{"alg":"HS256"}')
    signed = f"{head}.{_text(payload.encode())}"
    signature = hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest()
    assert refused(f"{signed}.{_text(signature)}")[0] == "bad_token"


def test_half_of_a_pair_is_no_id() -> None:
    assert refused(handmade({"alg": "HS256"}, GOOD | {"tasks": ["\ud800"]}))[0] == "bad_token"


def test_a_token_by_another_key_opens_nothing() -> None:
    code, message = refused(token(OTHER_KEY))
    assert code == "bad_token"
    assert "signature" in message


def test_a_token_that_was_changed_opens_nothing() -> None:
    head, _, signature = token().split(".")
    payload = _text(json.dumps(GOOD | {"tasks": ["t2"]}).encode())
    assert refused(f"{head}.{payload}.{signature}")[0] == "bad_token"
    assert refused(f"{token()[:-4]}AAAA")[0] == "bad_token"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "RS256", "HS512", "HS384", "", 7])
def test_only_one_algorithm_is_taken(algorithm: object) -> None:
    assert refused(handmade({"alg": algorithm, "typ": "JWT"}, GOOD))[0] == "bad_token"
    unsigned = handmade({"alg": algorithm, "typ": "JWT"}, GOOD).rpartition(".")[0] + "."
    assert refused(unsigned)[0] == "bad_token"


def test_a_key_in_the_head_is_not_believed() -> None:
    theirs = {"kty": "oct", "k": _text(OTHER_KEY.encode())}
    head = {"alg": "HS256", "jwk": theirs, "jku": "https://evil.example/keys", "kid": "../../null"}
    assert refused(handmade(head, GOOD, OTHER_KEY))[0] == "bad_token"


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        b"x.y.z",
        ["a"],
        "",
        " ",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "." * 16_000,
        "ü.ü.ü",
        "\ud800.\ud800.x",
        "x" * 16_001,
        "x" * 10_000_000,
        _text(b"[" * 11_000) + ".e30.x",
        _text(b'{"alg":' + b"9" * 6_000 + b"}") + ".e30.x",
        handmade({"alg": "HS256"}, ["tasks"]),
        handmade({"alg": "HS256"}, "tasks"),
        handmade({"alg": "HS256"}, None),
        handmade({"alg": "HS256"}, GOOD)[:-3] + "ü..",
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_token_opens_nothing(value: object) -> None:
    code, message = refused(value)
    assert code == "bad_token"
    assert len(message) < 120


def test_a_refusal_repeats_nothing_of_the_token_or_the_key() -> None:
    for value in (token(OTHER_KEY), token(label=7), token(tasks=["secret\x00id"]), "secret.x.y"):
        _, message = refused(value)
        assert not any(part in message for part in (KEY, "secret", *value.split(".")))


def test_without_a_key_embedding_is_off() -> None:
    code, message = refused(token(), keys=[])
    assert code == "not_configured"
    assert "HEADWAY_EMBED_KEY" in message
    with pytest.raises(BadToken):
        EmbedTokens([]).sign(tokens.claims_of("t1"), NOW)


# How they are made


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    settings.HEADWAY_EMBED_KEY = [KEY]
    shelf = Shelf()
    monkeypatch.setattr(shown, "reader", lambda: shelf)
    monkeypatch.setattr(tokens, "reader", lambda: shelf)
    monkeypatch.setattr(tokens.time, "time", lambda: NOW)
    return shelf


def opened(text: str) -> dict[str, Any]:
    """The payload, as another program reads it."""
    return jwt.decode(
        text, KEY, ["HS256"], audience="headway", options={"verify_exp": False, "verify_iat": False}
    )


def test_minting_writes_the_claims_and_nothing_else(shelf: Shelf) -> None:
    made = tokens.mint("t1", label="Film", can=("cancel", "retry"), ttl=60)
    assert opened(made) == {
        "aud": "headway",
        "iat": NOW,
        "exp": NOW + 60,
        "tasks": ["t1"],
        "label": "Film",
        "can": ["cancel", "retry"],
    }


def test_minting_counts_as_word_that_the_task_was_handed_over(shelf: Shelf) -> None:
    tokens.mint(["t1", "t2"])
    assert shelf.expected == {"task:t1": Expected(NOW), "task:t2": Expected(NOW)}


def test_a_group_result_tells_how_many_there_will_be(shelf: Shelf) -> None:
    group = GroupResult("g1", [AsyncResult(f"t{n}", app=APP) for n in range(3)], app=APP)
    assert opened(tokens.mint(group))["groups"] == ["g1"]
    assert opened(tokens.mint(group=group))["groups"] == ["g1"]
    assert shelf.expected == {"group:g1": Expected(NOW, 3)}


def test_a_group_may_be_given_by_its_id(shelf: Shelf) -> None:
    assert opened(tokens.mint(group="g1"))["groups"] == ["g1"]
    assert shelf.expected == {"group:g1": Expected(NOW)}


def test_what_status_tells_of_may_be_given(shelf: Shelf) -> None:
    group = status.Group(Known("g1", {}))
    task = status.Task(Known("t1", {}))
    assert opened(tokens.mint(group))["groups"] == ["g1"]
    assert opened(tokens.mint(task))["tasks"] == ["t1"]


def test_a_chain_is_all_its_steps_in_their_order(shelf: Shelf) -> None:
    first = AsyncResult("a", app=APP)
    middle = GroupResult("g", [AsyncResult("x", app=APP)], parent=first, app=APP)
    last = AsyncResult("c", parent=AsyncResult("b", parent=middle, app=APP), app=APP)
    assert opened(tokens.mint(last))["tasks"] == ["a", "b", "c"]


def test_an_owner_vouches_for_nothing(shelf: Shelf) -> None:
    assert opened(tokens.mint(owner="user:7"))["owner"] == "user:7"
    assert shelf.expected == {}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "one of them"),
        ({"task": "t", "group": "g"}, "one of them"),
        ({"task": "t", "owner": "o"}, "one of them"),
        ({"task": []}, "1 to 500 ids, not for 0"),
        ({"task": ""}, "1 to 255 letters"),
        ({"task": "x" * 256}, "1 to 255 letters"),
        ({"task": "a\x00"}, "1 to 255 letters"),
        ({"task": object()}, "what has an id"),
        ({"task": [str(n) for n in range(501)]}, "not for 501"),
        ({"task": ["x" * 100 + str(n) for n in range(300)]}, "follow their group"),
        ({"task": "t", "can": ["delete"]}, "cancel, result, retry"),
        ({"task": "t", "ttl": 0}, "from 1 to 86400"),
        ({"task": "t", "ttl": 86_401}, "from 1 to 86400"),
    ],
)
def test_what_makes_no_token_is_refused_with_a_sentence(
    shelf: Shelf, how: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        tokens.mint(**how)
    assert shelf.expected == {}


def test_a_store_that_is_away_does_not_fail_the_page(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(subjects: object) -> None:
        raise StoreUnavailable("postgresql://user:hunter2@db")

    monkeypatch.setattr(shelf, "vouch", fail)
    with caplog.at_level(logging.DEBUG):
        made = tokens.mint("t1")
    assert opened(made)["tasks"] == ["t1"]
    assert "hunter2" not in caplog.text
    assert made not in caplog.text


async def test_a_coroutine_mints_too(shelf: Shelf) -> None:
    assert opened(await tokens.amint("t1"))["tasks"] == ["t1"]


@pytest.mark.parametrize("value", ["short", ["k" * 32, "short"], b"k" * 32, 7, [b"k" * 32]])
def test_a_key_that_is_none_is_refused_without_being_repeated(settings: Any, value: object) -> None:
    settings.HEADWAY_EMBED_KEY = value
    with pytest.raises(conf.BadSetting, match="HEADWAY_EMBED_KEY is ") as error:
        conf.current()
    assert "short" not in str(error.value)
    assert "kkkk" not in str(error.value)


def test_a_public_key_is_no_key(settings: Any) -> None:
    settings.HEADWAY_EMBED_KEY = "-----BEGIN PUBLIC KEY-----\n" + "x" * 64
    with pytest.raises(conf.BadSetting):
        conf.current()


@pytest.mark.parametrize(("value", "keys"), [(None, ()), ("", ()), ([], ()), (KEY, (KEY,))])
def test_one_key_may_be_given_as_a_text(settings: Any, value: object, keys: object) -> None:
    settings.HEADWAY_EMBED_KEY = value
    assert conf.current().embed_key == keys
