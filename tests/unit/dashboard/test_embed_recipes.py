"""The recipes of docs/how-to/mint-tokens-elsewhere.md make tokens that open their task."""

import re
import shutil
import subprocess
import time

import pytest

from dashboard.tokens import EmbedTokens
from tests.services.process import ROOT
from tests.unit.dashboard.embedded import KEY

PAGE = (ROOT / "docs/how-to/mint-tokens-elsewhere.md").read_text()
PROGRAMS = {
    "js": (
        ["node", "--input-type=module", "-e"],
        "const KEY = '{key}';\n{recipe}\nprocess.stdout.write(progressToken('t1'));",
    ),
    "php": (["php", "-r"], "const KEY = '{key}';\n{recipe}\necho progress_token('t1');"),
}


def recipe(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def assert_opens(token: str) -> None:
    grant = EmbedTokens([KEY]).verify(token, time.time())
    assert grant.tasks == {"t1"}


def test_the_recipe_in_python() -> None:
    names: dict[str, object] = {"KEY": KEY}
    exec(recipe("python"), names)  # noqa: S102 - our own page
    assert_opens(names["progress_token"]("t1"))  # type: ignore[operator]


@pytest.mark.parametrize("language", ["js", "php"])
def test_the_recipe_without_a_package(language: str) -> None:
    command, text = PROGRAMS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    source = text.replace("{key}", KEY).replace("{recipe}", recipe(language))
    made = subprocess.run(
        [*command, source], capture_output=True, text=True, check=True, timeout=20
    )
    assert_opens(made.stdout)
