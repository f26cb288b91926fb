"""The wheel beside an unrelated Django project, which has a dashboard of its own.

The project under `foreign_project/` follows docs/tutorial/in-your-project.md and knows nothing else
of Headway. It runs from a fresh environment: daphne, `manage.py headway_receiver`, a prefork
worker, Redis and SQLite.
"""

import dataclasses
import re
import shutil
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, WebSocket, expect

from tests.services.process import Process, free_port, private_directory
from tests.services.redis import RedisServer
from tests.services.wheel import Environment

pytestmark = pytest.mark.timeout(300)

SOURCE = Path(__file__).parent / "foreign_project"
PREFIX = "/ops/headway"
PASSWORD = "sesame-and-poppy"
HASHED = re.compile(r"/static/headway/.+\.[0-9a-f]{12}\.(js|css|svg)$")

ADD_STAFF = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("olga", password="{PASSWORD}")
User.objects.create_user("paul", password="{PASSWORD}")
"""


@dataclasses.dataclass
class Project:
    """A copy of the foreign project with the environment that it runs in."""

    environment: Environment
    directory: Path
    env: dict[str, str]

    def manage(self, *arguments: str, settings: str = "acme.settings") -> tuple[int, str]:
        """Run `manage.py`; the exit code and what it printed."""
        env = {**self.env, "DJANGO_SETTINGS_MODULE": settings}
        return self.environment.call("manage.py", *arguments, cwd=self.directory, env=env)

    def managed(self, *arguments: str) -> str:
        """Run `manage.py` successfully; what it printed."""
        code, output = self.manage(*arguments)
        assert code == 0, output
        return output

    def settings(self, name: str, changes: str) -> str:
        """Write a settings module that differs by `changes`; its name."""
        path = self.directory / "acme" / f"{name}.py"
        path.write_text(f"from acme.settings import *\n{changes}\n")
        return f"acme.{name}"

    def start(self, stack: ExitStack, name: str, *command: str | Path) -> Process:
        """Start one of its processes, ended with `stack`."""
        log = self.directory / f"{name}.log"
        process = Process(command, log=log, cwd=self.directory, env=self.env)
        return stack.enter_context(process)


class Site:
    """The project as it runs."""

    def __init__(self, project: Project, stack: ExitStack) -> None:
        python = project.environment.program("python")
        self.project = project
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        daphne = project.environment.program("daphne")
        address = ("-b", "127.0.0.1", "-p", str(self.port))
        self.web = project.start(stack, "web", daphne, *address, "acme.asgi:application")
        self.receiver = project.start(stack, "receiver", python, "manage.py", "headway_receiver")
        celery = (python, "-m", "celery", "-A", "acme", "worker", "-c", "2", "-n", "acme@localhost")
        self.worker = project.start(stack, "worker", *celery, "--loglevel", "INFO")
        self.worker.wait_for_line(r"acme@localhost ready\.")
        self.web.wait_for(lambda: self.get("/")[0] == 200, what="the front page to answer")
        self.wait_for_receiver()

    def wait_for_receiver(self) -> None:
        """Return once a receiver writes and hears the broker."""
        self.receiver.wait_for(
            lambda: self.get(f"{PREFIX}/readyz")[0] == 200, what="the receiver to write"
        )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer; redirects are followed."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def sign_in(self, page: Page, username: str, path: str) -> Response:
        """Go to `path` by way of the project's own sign-in page; the answer there."""
        page.goto(self.url + path)
        expect(page.get_by_role("heading", name="Sign in to ACME")).to_be_visible()
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        with page.expect_response(self.url + path) as answer:
            page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
        return answer.value

    def enqueue(self, call: str) -> str:
        """Enqueue a task as the project's own code would; its id."""
        code = f"from acme.dashboard import tasks; print(tasks.{call}.id)"
        return self.project.managed("shell", "--no-imports", "-c", code).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def environment(built_wheel: Path) -> Iterator[Environment]:
    with private_directory("environment") as directory:
        environment = Environment(directory)
        environment.make(built_wheel, "pymysql")
        yield environment


@pytest.fixture(scope="module")
def project(environment: Environment, shared_redis: RedisServer) -> Iterator[Project]:
    """The project with its tables, its static files and two users."""
    with private_directory("foreign") as parent:
        directory = parent / "acme"
        shutil.copytree(SOURCE, directory, ignore=shutil.ignore_patterns("__pycache__"))
        shared_redis.reset()
        redis = shared_redis.url().rpartition("/")[0]
        project = Project(environment, directory, {"ACME_REDIS_URL": redis})
        project.managed("migrate", "--verbosity", "0")
        project.managed("collectstatic", "--no-input", "--verbosity", "0")
        project.managed("shell", "--no-imports", "-c", ADD_STAFF)
        yield project


@pytest.fixture(scope="module")
def site(project: Project) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(project, stack)


def test_the_checks_find_nothing_wrong(project: Project) -> None:
    output = project.managed("check", "--database", "default", "--fail-level", "WARNING")
    assert "no issues" in output


def test_no_migration_is_missing(project: Project) -> None:
    assert "No changes detected" in project.managed("makemigrations", "--check", "--dry-run")


def test_a_stranger_is_sent_to_the_projects_own_sign_in_page(site: Site) -> None:
    status, body = site.get(f"{PREFIX}/tasks/")
    assert status == 200
    assert "Sign in to ACME" in body


def test_our_own_sign_in_page_does_not_pass_by_the_projects(site: Site) -> None:
    status, body = site.get(f"{PREFIX}/login/")
    assert status == 200
    assert "Sign in to ACME" in body


def test_a_user_without_permission_is_told_which_one_is_missing(site: Site, page: Page) -> None:
    answer = site.sign_in(page, "paul", f"{PREFIX}/tasks/")
    assert answer.status == 403
    expect(page.get_by_role("main")).to_contain_text("headway.view_task")


def test_a_task_appears_and_ends_on_the_open_page_by_the_websocket(site: Site, page: Page) -> None:
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    site.sign_in(page, "olga", f"{PREFIX}/tasks/")
    expect(page.locator(".hw-live")).to_have_attribute("data-conn", "live", timeout=15_000)
    page.evaluate("document.documentElement.dataset.loadedOnce = 'yes'")

    succeeded = site.enqueue("paint.delay('cog', colour='blue')")
    failed = site.enqueue("break_one.delay()")

    row = page.locator(f'tr[data-id="{succeeded}"]')
    expect(row).to_have_attribute("data-conclusion", "succeeded", timeout=15_000)
    expect(row).to_contain_text("paint")
    expect(page.locator(f'tr[data-id="{failed}"]')).to_have_attribute("data-conclusion", "failed")
    assert page.evaluate("document.documentElement.dataset.loadedOnce") == "yes"
    assert [socket.url for socket in sockets] == [f"ws://127.0.0.1:{site.port}{PREFIX}/ws/v1/live"]


def test_the_task_page_shows_what_the_task_was_called_with(site: Site, page: Page) -> None:
    task_id = site.enqueue("polish.delay(3)")
    site.sign_in(page, "olga", f"{PREFIX}/workers/")
    expect(page.get_by_role("main")).to_contain_text("acme@localhost")
    page.goto(f"{site.url}{PREFIX}/tasks/?query=id:{task_id}")
    expect(page.locator(f'tr[data-id="{task_id}"]')).to_have_attribute(
        "data-conclusion", "succeeded", timeout=15_000
    )
    page.goto(f"{site.url}{PREFIX}/tasks/{task_id}/")
    expect(page.get_by_role("main")).to_contain_text("acme.dashboard.tasks.polish")


def test_every_static_file_comes_from_the_wheel_under_its_hashed_name(
    site: Site, page: Page
) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    site.sign_in(page, "olga", f"{PREFIX}/tasks/")
    expect(page.locator(".hw-live")).to_have_attribute("data-conn", "live", timeout=15_000)
    static = [answer for answer in answers if "/static/headway/" in answer.url]
    assert {answer.url.rpartition(".")[2] for answer in static} >= {"js", "css"}
    assert [a.url for a in static if a.status != 200 or not HASHED.search(a.url)] == []


def test_the_projects_own_dashboard_keeps_its_names(site: Site, page: Page) -> None:
    page.goto(site.url)
    expect(page.get_by_role("banner")).to_have_text("ACME widgets")
    expect(page.get_by_role("banner")).to_have_css("color", "rgb(1, 2, 3)")
    found = site.project.managed("findstatic", "dashboard/app.css", "--verbosity", "1")
    (line,) = [line for line in found.splitlines() if line.endswith("app.css")]
    assert Path(line.strip()).is_relative_to(site.project.directory)


def test_app_tables_and_permissions_of_the_two_stay_apart(project: Project) -> None:
    with sqlite3.connect(project.directory / "acme.sqlite3") as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        labels = database.execute("SELECT app_label, model FROM django_content_type").fetchall()
    assert {"dashboard_widget", "headway_task", "headway_stream"} <= tables
    assert [model for label, model in labels if label == "dashboard"] == ["widget"]
    assert ("headway", "task") in labels


def test_the_projects_own_admin_site_is_untouched(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/office/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="ACME back office")).to_be_visible()
    expect(page.get_by_role("link", name="Widgets")).to_be_visible()


def test_the_receiver_ends_in_order_when_it_is_asked_to(site: Site) -> None:
    assert site.receiver.stop(timeout_s=10) == 0
    site.receiver.start()
    site.wait_for_receiver()


def test_an_unsupported_database_is_refused_with_the_reason(project: Project) -> None:
    settings = project.settings(
        "on_mysql",
        "import pymysql\n"
        "pymysql.version_info = (2, 2, 7, 'final', 0)\n"
        "pymysql.install_as_MySQLdb()\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'acme'}}",
    )
    code, output = project.manage("check", settings=settings)
    assert code == 1
    assert "headway.E004" in output
    assert "Headway does not run on mysql" in output
    assert "fast paths for PostgreSQL and SQLite" in output


def test_a_missing_channel_layer_is_said(project: Project) -> None:
    settings = project.settings("without_layer", "del CHANNEL_LAYERS")
    code, output = project.manage("check", settings=settings)
    assert code == 0
    assert "headway.W004" in output
    assert "RedisPubSubChannelLayer" in output


def test_static_files_that_would_go_stale_are_said(project: Project) -> None:
    settings = project.settings(
        "with_stale_modules",
        "STORAGES['staticfiles']['BACKEND'] = "
        "'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'",
    )
    code, output = project.manage("check", settings=settings)
    assert code == 0
    assert "headway.W007" in output
    assert "support_js_module_import_aggregation" in output


def test_a_receiver_that_is_silent_for_half_a_minute_is_said(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "quiet.sqlite3"
    settings = project.settings("quiet", f"DATABASES['default']['NAME'] = {str(path)!r}")
    assert project.manage("migrate", "--verbosity", "0", settings=settings)[0] == 0
    set_alive_at(path, time.time() - 31)
    code, output = project.manage("check", "--database", "default", settings=settings)
    assert code == 0
    assert "headway.W006" in output
    assert "manage.py headway_receiver" in output


def test_a_receiver_that_wrote_just_now_is_not_complained_of(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "lively.sqlite3"
    settings = project.settings("lively", f"DATABASES['default']['NAME'] = {str(path)!r}")
    assert project.manage("migrate", "--verbosity", "0", settings=settings)[0] == 0
    set_alive_at(path, time.time())
    _, output = project.manage("check", "--database", "default", settings=settings)
    assert "no issues" in output


def set_alive_at(database: Path, at: float) -> None:
    with sqlite3.connect(database) as connection:
        done = connection.execute("UPDATE headway_stream SET alive_at = ?", [at])
        assert done.rowcount == 1


class TestAProjectWhosePackageIsNamedDashboard:
    """It cannot install the app; Headway watches it from outside, and its workers may import
    `realtime`."""

    IMPORTS = """
import importlib, pkgutil, sys
import dashboard, realtime.core, realtime.testing
for module in pkgutil.iter_modules(realtime.core.__path__, "realtime.core."):
    importlib.import_module(module.name)
print(dashboard.WHOSE, sorted({"django", "channels", "twisted"} & set(sys.modules)))
"""

    @pytest.fixture
    def host(self, tmp_path: Path) -> Path:
        package = tmp_path / "dashboard"
        package.mkdir()
        (package / "__init__.py").write_text('WHOSE = "the host\'s"\n')
        (tmp_path / "shop.py").write_text(
            "import os\n"
            "import dashboard\n"
            "from celery import Celery\n"
            "assert dashboard.WHOSE\n"
            "app = Celery('shop', broker=os.environ['SHOP_BROKER'])\n"
            "@app.task\n"
            "def sell(): return dashboard.WHOSE\n"
        )
        return tmp_path

    def test_its_workers_import_realtime_without_django_and_keep_their_own_package(
        self, environment: Environment, host: Path
    ) -> None:
        output = environment.run("-c", self.IMPORTS, cwd=host)
        assert output.strip() == "the host's []"

    def test_the_standalone_server_watches_it(
        self, environment: Environment, host: Path, redis_server: RedisServer, tmp_path: Path
    ) -> None:
        port = free_port()
        where = ["--port", str(port), "--data", str(tmp_path / "data")]
        command = [environment.program("headway"), "serve", "--app", "shop:app", *where]
        env = {"SHOP_BROKER": redis_server.url(), "PYTHONUNBUFFERED": "1"}
        log = tmp_path / "serve.log"
        with Process(command, log=log, cwd=host, env=env) as server:
            server.wait_for_line(r"^url: http://127\.0\.0\.1:")
            server.wait_for(lambda: is_ready(f"http://127.0.0.1:{port}/readyz"), what="to receive")


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        with error:
            return False
