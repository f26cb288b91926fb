"""The formats agree with the page's script, and every word has its icon."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template

from dashboard import formats, presentation, words

ROOT = Path(__file__).resolve().parents[3]
VECTORS: dict[str, list[Any]] = json.loads(
    (ROOT / "tests/vectors/format.json").read_text(encoding="utf-8")
)

FORMATS: dict[str, Callable[..., Any]] = {
    "duration": formats.duration,
    "age": formats.age,
    "offset": formats.offset,
    "number": formats.number,
    "capped": formats.capped,
    "percent": formats.percent,
    "id": formats.short_id,
    "name": lambda text: list(formats.name(text)),
    "worker": lambda text: list(formats.worker(text)),
    "exception": lambda text: list(formats.exception(text)),
    "args": lambda pair: formats.args(*pair),
    "look": lambda pair: _look({"status": pair[0], "conclusion": pair[1]}),
}


def _look(row: dict[str, Any]) -> list[str]:
    state = presentation.state_of(row)
    return [state, str(words.STATES[state])]


def test_every_group_of_shared_vectors_has_its_format() -> None:
    assert set(VECTORS) == set(FORMATS)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [(name, *vector) for name, vectors in VECTORS.items() for vector in vectors],
)
def test_format_writes_what_the_script_writes(name: str, given: Any, text: Any) -> None:
    assert FORMATS[name](given) == text


def test_times_are_written_in_utc_to_the_millisecond() -> None:
    at = 1_795_269_731.2044
    assert formats.clock(at) == "14:02:11"
    assert formats.exact_clock(at) == "14:02:11.204"
    assert formats.exact(at) == "21 Nov 2026 14:02:11.204 UTC"
    assert formats.iso(at) == "2026-11-21T14:02:11.204Z"
    assert formats.exact_clock(at - 0.2049) == "14:02:11.000"


def test_unknown_instants_are_dashes_and_empty_attributes() -> None:
    assert (formats.clock(None), formats.day(None), formats.exact(None), formats.iso(None)) == (
        "–",
        "–",
        "",
        "",
    )


def test_filters_are_registered_under_their_names() -> None:
    page = Template(
        "{% load headway %}{{ 161|duration }} {{ 3|age }} {{ text|short_id }} {{ value|literal }}"
    )
    text = page.render(Context({"text": "9d3f0c6e-41b7", "value": {"a": "<b>"}}))
    assert text == "2m\u00a041s 3\u00a0s 9d3f…41b7 {&#x27;a&#x27;: &#x27;&lt;b&gt;&#x27;}"


def test_every_state_has_an_icon_and_a_colour() -> None:
    sprite = (ROOT / "templates/headway/_sprite.html").read_text(encoding="utf-8")
    colours = (ROOT / "static/headway/base.css").read_text(encoding="utf-8")
    for state in words.STATES:
        assert f'id="i-{state}"' in sprite
        assert f'[data-state="{state}"]' in colours


def test_every_icon_that_a_template_or_the_script_uses_is_in_the_sprite() -> None:
    sprite = (ROOT / "templates/headway/_sprite.html").read_text(encoding="utf-8")
    drawn = set(re.findall(r'id="i-([a-z]+)"', sprite))
    used = {
        name
        for path in (ROOT / "templates/headway").glob("*.html")
        for name in re.findall(r'href="#i-([a-z]+)"', path.read_text(encoding="utf-8"))
    }
    assert used <= drawn
    assert drawn <= used | set(words.STATES)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_scripts_own_english_is_the_servers() -> None:
    module = (ROOT / "static/headway/words.js").as_uri()
    code = (
        f"import({json.dumps(module)}).then((m) => process.stdout.write(JSON.stringify(m.ENGLISH)))"
    )
    answer = subprocess.run(["node", "-e", code], capture_output=True, check=True, text=True)  # noqa: S607
    sent = words.for_script()
    for group, texts in json.loads(answer.stdout).items():
        assert {key: sent[group].get(key) for key in texts} == texts
