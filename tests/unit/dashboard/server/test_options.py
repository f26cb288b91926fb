"""Options, their variables, and what is said about a bad one."""

import argparse

import pytest

from dashboard.server import options
from tests.services.process import ROOT


def given(**texts: object) -> argparse.Namespace:
    return argparse.Namespace(**texts)


def test_what_the_command_line_says_is_written_into_the_environment() -> None:
    environ: dict[str, str] = {"HEADWAY_PORT": "1"}
    options.export(given(broker="redis://h", port="9000"), environ)
    assert environ == {"HEADWAY_BROKER_URL": "redis://h", "HEADWAY_PORT": "9000"}


def test_several_celery_options_share_one_variable() -> None:
    environ: dict[str, str] = {}
    options.export(
        given(broker="redis://h", celery_option=["redis_port=1", "result_extended=yes"]), environ
    )
    found = options.read(environ)[options.CELERY_OPTION]
    assert found == {"redis_port": 1, "result_extended": True}


def test_an_empty_variable_counts_as_unset() -> None:
    assert options.PORT in options.read({"HEADWAY_PORT": ""})
    assert options.BROKER not in options.read({"HEADWAY_BROKER_URL": ""})


def test_a_bad_option_is_named_with_its_value_and_what_is_allowed() -> None:
    with pytest.raises(options.BadOption) as refused:
        options.export(given(port="http"), {})
    assert str(refused.value) == "--port 'http': expected a number from 0 to 65535"


def test_a_bad_variable_is_named_as_the_variable() -> None:
    with pytest.raises(options.BadOption, match=r"^HEADWAY_LOG_LEVEL 'loud': expected one of"):
        options.read({"HEADWAY_LOG_LEVEL": "loud"})


@pytest.mark.parametrize(
    "texts",
    [
        {"broker": "redix://user:hunter2@host/0?password=hunter2"},
        {"database": "mysql://user:hunter2@host/name"},
        {"database": "user:hunter2@host"},
        {"celery_option": ["redis_passwrd=hunter2"]},
    ],
)
def test_no_message_repeats_a_password(texts: dict[str, object]) -> None:
    with pytest.raises(options.BadOption) as refused:
        options.export(given(**texts), {})
    assert "hunter2" not in str(refused.value)


def test_app_and_broker_exclude_each_other() -> None:
    with pytest.raises(options.BadOption, match="exclude each other"):
        options.export(given(app="a:b", broker="redis://h"), {})
    with pytest.raises(options.BadOption, match="unset one"):
        options.export(given(), {"HEADWAY_CELERY_APP": "a:b", "HEADWAY_BROKER_URL": "redis://h"})


def test_a_given_app_outdoes_the_brokers_variable() -> None:
    environ = {"HEADWAY_BROKER_URL": "redis://h"}
    options.export(given(app="a:b"), environ)
    assert environ == {"HEADWAY_CELERY_APP": "a:b"}


def test_every_option_has_a_variable_of_its_own() -> None:
    variables = [option.variable for option in options.ALL]
    assert len(set(variables)) == len(variables)
    assert all(variable.startswith("HEADWAY_") for variable in variables)


def test_every_option_and_its_variable_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text()
    for option in options.ALL:
        assert f"`{option.flag}" in text
        assert f"`{option.variable}`" in text
