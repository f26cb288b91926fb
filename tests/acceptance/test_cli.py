"""The command `headway`, as it is typed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.acceptance.support import (
    PASSWORD,
    Site,
    api_key,
    ask,
    one_process,
    sign_in,
    wait_for_badge,
)
from tests.services.headway import Headway, HeadwayWeb
from tests.services.needs import require_program
from tests.services.process import Process, free_port, wait_until
from tests.services.worker import CeleryWorker

NGINX = """
daemon off; pid {directory}/pid; error_log {directory}/errors; events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{port};
    location /ops/headway/ {{
      proxy_pass http://127.0.0.1:{target}{path};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""


def ended(directory: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """Exit code and output of a command that ends by itself."""
    with Headway(directory, *arguments, env=env) as command:
        return command.wait_for_exit(60), command.output()


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (("serve",), {}, "--app module:attr"),
        (("serve", "--broker", "redix://h"), {}, "not 'redix'"),
        (("serve", "--broker", "redis://h", "--port", "http"), {}, "--port 'http'"),
        (("serve", "--broker", "redis://h"), {"HEADWAY_PORT": "99999"}, "HEADWAY_PORT '99999'"),
        (("serve", "--broker", "redis://h", "--celery-option", "x=1"), {}, "no setting 'x'"),
        (("web", "--data", "/tmp"), {}, "--data"),
        (("serv",), {}, "invalid choice: 'serv'"),
    ],
)
def test_a_bad_value_is_answered_with_it_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    code, output = ended(tmp_path, *arguments, **env)
    assert code == 2, output
    assert said in output
    assert "Traceback" not in output


@pytest.mark.parametrize("command", ["web", "receiver"])
def test_the_halves_say_what_they_are_missing(tmp_path: Path, command: str) -> None:
    code, output = ended(
        tmp_path,
        command,
        HEADWAY_BROKER_URL="memory://",
        HEADWAY_SECRET_KEY="s" * 50,
        HEADWAY_DATA=str(tmp_path / "data"),
    )
    assert code == 1
    assert "--database (HEADWAY_DATABASE_URL)" in output
    assert "--channel-layer (HEADWAY_CHANNEL_LAYER_URL)" in output


def test_web_needs_a_secret_key_that_all_share(tmp_path: Path) -> None:
    code, output = ended(tmp_path, "web", HEADWAY_SECRET_KEY="")
    assert (code, "HEADWAY_SECRET_KEY" in output) == (1, True)


def test_an_app_that_cannot_be_imported_is_said_in_one_line(tmp_path: Path) -> None:
    code, output = ended(tmp_path, "serve", "--app", "no_such:app", "--data", str(tmp_path / "d"))
    assert code == 1
    assert output.strip().endswith("No module named 'no_such'")
    assert "Traceback" not in output


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    code, output = ended(tmp_path, "apikey", "create", "ci", *data)
    assert (code, "no such user" in output) == (1, True)
    made, output = ended(
        tmp_path,
        "manage",
        *data,
        "createsuperuser",
        "--noinput",
        "--username",
        "admin",
        "--email",
        "admin@host.example",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    assert made == 0, output
    key = api_key(tmp_path, *data)
    assert re.fullmatch(r"hw_[0-9a-z]{8}_[\w-]{43}", key)
    assert key[:11] in ended(tmp_path, "apikey", "list", *data)[1]
    assert ended(tmp_path, "apikey", "revoke", key[:11], *data)[0] == 0
    assert ended(tmp_path, "apikey", "list", *data)[1].strip() == ""


def test_the_first_password_is_printed_once(tmp_path: Path) -> None:
    arguments = ("serve", "--broker", "memory://localhost/", "--data", str(tmp_path / "data"))
    with HeadwayWeb(tmp_path, *arguments, env={"HEADWAY_ADMIN_PASSWORD": ""}) as server:
        server.wait_for_line(r"^user: admin$")
        server.wait_for_line(r"^password: \S{20}$")
        assert server.stop() == 0
        server.start()
        server.wait_for_line(r"^url: ")
        assert "password:" not in server.output()


def test_a_broker_that_is_away_at_the_start_is_said_and_found_later(
    tmp_path: Path, redis_server: object, redis_url: str
) -> None:
    redis_server.process.stop()  # type: ignore[attr-defined]
    arguments = ("serve", "--broker", redis_url, "--data", str(tmp_path / "data"))
    with HeadwayWeb(tmp_path, *arguments) as server:
        server.wait_for_line(r"Cannot listen to .*; trying again")
        site = Site(server.url, api_key(tmp_path, "--data", str(tmp_path / "data")))
        redis_server.start()  # type: ignore[attr-defined]
        wait_until(lambda: site.get("stream")["lag_ms"] is not None, 45, "a probe")


def test_the_doctor_finds_nothing_wrong_with_a_good_cluster(tmp_path: Path, redis_url: str) -> None:
    with (
        CeleryWorker(tmp_path, broker=redis_url, backend=redis_url) as worker,
        one_process(tmp_path, redis_url, redis_url),
    ):
        code, output = ended(
            tmp_path,
            "check",
            "--broker",
            redis_url,
            "--result-backend",
            redis_url,
            "--data",
            str(tmp_path / "data"),
        )
        assert worker.name in output
    assert code == 0, output
    assert {line.split()[0] for line in output.splitlines()} == {"ok"}, output


def test_the_doctor_says_what_to_change_when_the_broker_is_away(tmp_path: Path) -> None:
    address = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    code, output = ended(tmp_path, "check", "--broker", address, "--data", str(tmp_path / "data"))
    assert code == 1
    assert re.search(r"^fail +broker .*\n +change: --broker", output, re.MULTILINE), output
    assert "hunter2" not in output


@contextmanager
def nginx(directory: Path, target: int, path: str) -> Iterator[str]:
    """A reverse proxy that serves `target` below `/ops/headway`; gives its address."""
    program = require_program("nginx", directories=[Path("/usr/sbin")])
    port = free_port()
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(directory=directory, port=port, target=target, path=path))
    with Process([program, "-c", config], log=directory / "nginx.log") as proxy:
        url = f"http://127.0.0.1:{port}/ops/headway"
        proxy.wait_for(lambda: ask(f"{url}/healthz").status == 200)
        yield url


@pytest.mark.parametrize("path", ["", "/"], ids=["keeps-the-prefix", "takes-it-off"])
def test_the_whole_of_it_works_under_a_path_of_a_reverse_proxy(
    tmp_path: Path, redis_url: str, page: Page, path: str
) -> None:
    storage = ("--data", str(tmp_path / "data"))
    arguments = ("--broker", redis_url, "--url-prefix", "/ops/headway")
    env = {"HEADWAY_ADMIN_PASSWORD": PASSWORD, "HEADWAY_TRUSTED_PROXIES": "127.0.0.1"}
    with (
        HeadwayWeb(tmp_path, "serve", *arguments, *storage, env=env) as server,
        nginx(tmp_path, server.port, path) as url,
    ):
        sign_in(page, url)
        wait_for_badge(page, "live")
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        assert cookies["headway_session"]["path"] == "/ops/headway/"
        assert cookies["headway_session"]["httpOnly"]
        assert ask(f"{url}/nothing-here/").status == 404
