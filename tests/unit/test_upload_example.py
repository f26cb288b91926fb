"""The example project has the demo's upload page, file for file: what is tested works there too."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "upload"
NAMES = {
    "dashboard.demo.upload": "uploads",
    "headway/demo_upload_base.html": "uploads/base.html",
    "headway/demo_upload_results.html": "uploads/results.html",
    "headway/demo_upload.html": "uploads/page.html",
    "headway/_demo_upload_": "uploads/_",
    "headway/demo-upload": "uploads/upload",
    "./demo-upload-": "./upload-",
}


def adapted(text: str) -> str:
    """A file of the demo as it stands in the example."""
    for ours, theirs in NAMES.items():
        text = text.replace(ours, theirs)
    return text


def _target(path: str) -> str:
    inside = adapted(path.removeprefix("templates/").removeprefix("static/"))
    top = path.partition("/")[0]
    return f"uploads/{top}/{inside}"


SOURCES = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("dashboard/demo/upload/*.py")}
PAGES = {
    path.relative_to(ROOT).as_posix()
    for pattern in ("templates/headway/*demo_upload*", "static/headway/demo-upload*")
    for path in ROOT.glob(pattern)
}
COPIES = {name: f"uploads/{Path(name).name}" for name in SOURCES} | {
    name: _target(name) for name in PAGES
}


@pytest.mark.parametrize("name", sorted(COPIES))
def test_the_example_has_the_demos_file(name: str) -> None:
    assert (EXAMPLE / COPIES[name]).read_text() == adapted((ROOT / name).read_text())


def test_the_example_has_no_other_files_of_the_page() -> None:
    found = {
        path.relative_to(EXAMPLE).as_posix()
        for path in (EXAMPLE / "uploads").rglob("*.*")
        if path.suffix != ".pyc"
    }
    assert found == set(COPIES.values())


def test_the_example_is_a_project_that_django_finds_nothing_wrong_with(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "check"]
    env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "UPLOAD_DIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=EXAMPLE, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
