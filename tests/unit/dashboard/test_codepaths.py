"""Where own code is, as people say it."""

from pathlib import Path

import pytest

from dashboard import codepaths, traceback
from tests.unit.dashboard.samples import TRACEBACK

HERE = Path(__file__)


@pytest.mark.parametrize(
    ("path", "name", "shown"),
    [
        ("/srv/acme/shop/tasks.py", "shop.tasks.pay", "shop/tasks.py"),
        ("/srv/shop/releases/7/shop/media/cut.py", "shop.tasks.pay", "shop/media/cut.py"),
        ("/srv/shop/shop/tasks.py", "shop.tasks.pay", "shop/tasks.py"),
        ("/srv/acme/tasks.py", "tasks.pay", "tasks.py"),
        (r"C:\srv\acme\shop\tasks.py", "shop.tasks.pay", "shop/tasks.py"),
        ("/srv/acme/shop/tasks.py", "send-mail", "/srv/acme/shop/tasks.py"),
        ("/srv/acme/workshop/tasks.py", "shop.pay", "/srv/acme/workshop/tasks.py"),
        ("<string>", "shop.tasks.pay", "<string>"),
        ("", "shop.tasks.pay", ""),
        ("/srv/a/b.py", "...", "/srv/a/b.py"),
    ],
)
def test_what_stands_before_the_package_of_the_task_is_cut(
    path: str, name: str, shown: str
) -> None:
    assert codepaths.shown(path, name) == shown


def test_what_stands_before_the_project_of_this_process_is_cut_whatever_the_name() -> None:
    assert codepaths.shown(str(HERE)) == "tests/unit/dashboard/test_codepaths.py"


def test_a_packages_path_is_nobodys_project() -> None:
    path = pytest.__file__
    assert codepaths.shown(path) == path


def test_a_place_keeps_its_line_and_its_function() -> None:
    place = "/srv/acme/shop/tasks.py:12 in pay:1 in x"
    assert codepaths.shown_place("/srv/acme/shop/tasks.py:12 in pay", "shop.pay") == (
        "shop/tasks.py:12 in pay"
    )
    assert codepaths.shown_place(place, "shop.pay") == "shop/tasks.py:12 in pay:1 in x"
    assert codepaths.shown_place(None, "shop.pay") is None
    assert codepaths.shown_place("no place", None) == "no place"


def test_a_traceback_shows_own_frames_below_the_project_and_counts_the_same_ones_as_own() -> None:
    (error,) = traceback.parse(TRACEBACK, codepaths.below("shop.media.transcode"))
    own = [section for section in error.sections if section.library is None]
    assert [frame.path for frame in own[0].frames][-1] == "shop/media/transcode.py"
