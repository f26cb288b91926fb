"""Which command takes which options."""

import pytest

from dashboard.server.cli import make_parser


@pytest.mark.parametrize("command", ["serve", "receiver", "web", "check"])
def test_whatever_talks_to_the_cluster_can_be_told_where_it_is(command: str) -> None:
    given = make_parser().parse_args([command, "--app", "proj.celery:app"])
    assert given.app == "proj.celery:app"
    given = make_parser().parse_args([command, "--broker", "redis://h", "--result-backend", "x://"])
    assert (given.broker, given.result_backend) == ("redis://h", "x://")
