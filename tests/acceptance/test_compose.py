"""docker-compose.yml, held to its schema and to what it promises. No Docker engine is needed."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.services.process import ROOT

FILE = ROOT / "docker-compose.yml"
SECRETS = (
    "HEADWAY_SECRET_KEY",
    "HEADWAY_ADMIN_PASSWORD",
    "HEADWAY_POSTGRES_PASSWORD",
    "HEADWAY_REDIS_PASSWORD",
)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, with what they share merged in."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def test_the_file_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, FILE], check=True, capture_output=True)


def test_a_missing_secret_stops_compose_and_is_named() -> None:
    text = FILE.read_text()
    for name in SECRETS:
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses, name
        assert all(use.startswith(":?") for use in uses), name


def test_the_example_names_every_secret_and_sets_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(f"{name}=" in lines for name in SECRETS)


def test_two_receivers_have_queues_of_their_own(services: dict[str, Any]) -> None:
    receivers = {
        name: service["environment"]["HEADWAY_NODE_ID"]
        for name, service in services.items()
        if service.get("command") == ["headway", "receiver"]
    }
    assert len(receivers) == len(set(receivers.values())) == 2


def test_two_web_processes_stand_behind_one_address(services: dict[str, Any]) -> None:
    webs = {
        name for name, it in services.items() if it.get("command", [])[:2] == ["headway", "web"]
    }
    assert len(webs) == 2
    proxy = yaml.safe_load(FILE.read_text())["configs"]["proxy"]["content"]
    assert set(re.findall(r"^ *server (\S+):8000\b", proxy, re.MULTILINE)) == webs
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_two_prefork_workers_of_the_shop_send_events(services: dict[str, Any]) -> None:
    workers = [it["command"] for it in services.values() if "worker" in it.get("command", [])]
    assert len(workers) == 2
    assert all("-E" in command and "dashboard.demo.app" in command for command in workers)


def test_what_others_wait_for_can_be_asked_how_it_is(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for {needed}"


def test_the_image_holds_what_the_wheel_is_built_from() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for path in " ".join(copied).split():
        assert Path(ROOT, path).exists(), path
        assert f"!{path}" in (ROOT / ".dockerignore").read_text().splitlines()
