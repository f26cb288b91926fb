"""What option values may be."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.server import values


@pytest.mark.parametrize(
    "text",
    [
        "redis://localhost:6379/0",
        "rediss://:password@host/1",
        "amqp://guest:guest@localhost//",
        "sentinel://a:1;sentinel://b:2",
        "memory://",
    ],
)
def test_addresses_of_brokers_that_kombu_knows_are_taken(text: str) -> None:
    assert values.broker_url(text) == text


def test_a_broker_of_unknown_kind_is_refused_without_its_password() -> None:
    with pytest.raises(ValueError, match="not 'redix'") as refused:
        values.broker_url("redix://user:hunter2@host")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "read", [values.broker_url, values.result_backend, values.channel_layer_url]
)
@pytest.mark.parametrize(
    "text", ["redis://:hunter2/x@host/0", "redis://:hunter2#x@host/0", "redis://:x@host:hunter2/0"]
)
def test_a_password_that_reads_as_a_port_is_refused_without_it(
    read: Callable[[str], str], text: str
) -> None:
    with pytest.raises(ValueError, match="write / as %2F") as refused:
        read(text)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_backends_of_several_hosts_are_taken() -> None:
    for text in ("mongodb://a:1,b:2/jobs", "cache+memcached://a:1;b:2/", "redis://h", "rpc"):
        assert values.result_backend(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("result_extended=true", ("result_extended", True)),
        ("result_extended=No", ("result_extended", False)),
        ("redis_port=6380", ("redis_port", 6380)),
        ("event_queue_ttl=2.5", ("event_queue_ttl", 2.5)),
        ("event_queue_prefix=a=b", ("event_queue_prefix", "a=b")),
        (
            'broker_transport_options={"global_keyprefix":"x"}',
            ("broker_transport_options", {"global_keyprefix": "x"}),
        ),
        ('accept_content=["json"]', ("accept_content", ["json"])),
    ],
)
def test_a_celery_option_has_the_type_of_celerys_own_table(
    text: str, expected: tuple[str, object]
) -> None:
    assert values.celery_option(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("event_queue_prefix", "expected key=value"),
        ("event_queue_prefx=x", "did you mean event_queue_prefix"),
        ("result_extended=perhaps", "expects true or false"),
        ("redis_port=many", "expects a number"),
        ("broker_transport_options=[1]", "expects a JSON object"),
        ("accept_content={}", "expects a JSON list"),
        ("broker_transport_options={", "expects JSON"),
    ],
)
def test_a_bad_celery_option_is_answered_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        values.celery_option(text)


@pytest.mark.parametrize("text", ["-1", "65536", "http", ""])
def test_a_port_is_a_number_from_0_to_65535(text: str) -> None:
    with pytest.raises(ValueError, match="65535"):
        values.port(text)


@pytest.mark.parametrize(
    "text",
    ["mysql://u@h/n", "postgresql://u@h", "postgresql://u@h:99999/n", "sqlite://file", "nonsense"],
)
def test_a_database_is_a_postgresql_or_an_sqlite_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        values.database_url(text)


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), ("tasks", "/tasks"), ("/a/b/", "/a/b")]
)
def test_a_prefix_begins_with_a_slash_and_has_none_at_its_end(text: str, prefix: str) -> None:
    assert values.url_prefix(text) == prefix


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match="this is a file"):
        values.directory(str(file))


def test_proxies_are_addresses_or_networks() -> None:
    assert values.proxies("10.0.0.0/8, ::1") == ["10.0.0.0/8", "::1"]
    with pytest.raises(ValueError, match=r"not 'proxy.example'"):
        values.proxies("proxy.example")


def test_origins_have_no_path() -> None:
    assert values.origins("https://shop.example") == ["https://shop.example"]
    with pytest.raises(ValueError, match="expected origins"):
        values.origins("https://shop.example/cart")


def test_allowed_hosts_are_names_not_addresses_with_a_scheme() -> None:
    assert values.allowed_hosts("a.example,.b.example [::1] *") == [
        "a.example",
        ".b.example",
        "[::1]",
        "*",
    ]
    with pytest.raises(ValueError, match=r"not 'https://a.example'"):
        values.allowed_hosts("https://a.example")


@pytest.mark.parametrize("text", ["/a b", "/a?b", "/../x", "/a//b"])
def test_a_prefix_is_a_plain_path(text: str) -> None:
    with pytest.raises(ValueError, match="expected a path"):
        values.url_prefix(text)
