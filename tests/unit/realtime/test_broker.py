"""Connections take over what the host configured and set only what it left open."""

from celery import Celery

from realtime import broker


def app(url: str, **conf: object) -> Celery:
    made = Celery("tests", broker=url, set_as_current=False)
    made.conf.update(conf)
    return made


def test_a_dead_redis_connection_is_noticed() -> None:
    link = broker.connection(app("redis://localhost/0"))
    assert link.transport_options["socket_timeout"] == broker.TIMEOUT_S
    assert link.transport_options["socket_connect_timeout"] == broker.TIMEOUT_S


def test_the_hosts_transport_options_win() -> None:
    options = {"socket_timeout": 30, "global_keyprefix": "shop:"}
    link = broker.connection(app("redis://localhost/0", broker_transport_options=options))
    assert link.transport_options["socket_timeout"] == 30
    assert link.transport_options["global_keyprefix"] == "shop:"


def test_the_memory_broker_is_looked_at_often_enough_for_a_tenth_of_a_second() -> None:
    link = broker.connection(app("memory://"))
    assert link.transport.polling_interval <= 0.05


def test_amqp_gets_a_heartbeat_and_no_options_it_does_not_know() -> None:
    link = broker.connection(app("amqp://localhost//"))
    assert (link.heartbeat, link.transport_options) == (broker.HEARTBEAT_S, {})
    assert broker.is_amqp(link)
    assert not broker.is_amqp(broker.connection(app("memory://")))


def test_tls_and_the_other_hosts_of_a_cluster_are_kept() -> None:
    link = broker.connection(app("amqp://a//;amqp://b//", broker_use_ssl={"ca_certs": "/ca"}))
    assert link.ssl == {"ca_certs": "/ca"}
    assert len(link.alt) == 2


def test_the_address_does_not_tell_the_password() -> None:
    assert "hunter2" not in broker.address(broker.connection(app("redis://u:hunter2@localhost/0")))
    assert "hunter2" not in broker.address(broker.connection(app("amqp://u:hunter2@localhost//")))


def test_the_reason_of_an_error_is_its_type_and_the_systems_word() -> None:
    error = ValueError("redis://:hunter2@localhost")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert broker.reason(error) == "ValueError (Connection refused)"
    assert broker.reason(KeyError("hunter2")) == "KeyError"


def test_answers_of_workers_are_read_as_json_alone() -> None:
    pickling = app("memory://", accept_content=["pickle", "json"], task_serializer="pickle")
    with broker.connection(pickling) as link:
        mailbox = broker.mailbox(pickling, link)
    assert mailbox.accept == ["json"]
    assert mailbox.serializer == "pickle"
