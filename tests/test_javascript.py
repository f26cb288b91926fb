"""The pure modules of the pages, tested by Node's own runner."""

from pathlib import Path

from tests.services.needs import require_program
from tests.services.process import ROOT, Process


def test_the_javascript_tests_pass(tmp_path: Path) -> None:
    files = sorted((ROOT / "tests" / "js").rglob("*.test.js"))
    assert files
    with Process([require_program("node"), "--test", *files], log=tmp_path / "log") as process:
        assert process.wait_for_exit(60) == 0, process.output()
