"""A private PostgreSQL cluster."""

import os
import pwd
import secrets
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.services.needs import find_program, require_program, unavailable
from tests.services.process import Process, Service, free_port, private_directory

# Durability costs time and a test's data is thrown away.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_CLUSTER_OPTIONS = ("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")


class PostgresqlServer(Service):
    """A cluster on a free port of the loopback interface, with a password of its own.

    `stop` and `start` restart it on the same port with what it had stored.
    """

    user = "headway"

    def __init__(self, directory: Path, owner: str | None) -> None:
        self.directory = directory
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._owner = owner
        settings = {**_SETTINGS, "listen_addresses": "127.0.0.1", "port": str(self.port)}
        settings["unix_socket_directories"] = str(directory)
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.process = Process(
            [program("postgres"), "-D", directory / "data", *options],
            log=directory / "postgresql.log",
            cwd=directory,
            user=owner,
            stop_signal=signal.SIGINT,  # "fast": end sessions, then stop in order
        )

    def initialise(self) -> None:
        """Make the cluster's files."""
        secret = self.directory / "password"
        secret.touch(0o600)
        secret.write_text(self.password)
        if self._owner:
            shutil.chown(secret, self._owner)
        options: list[str | Path] = ["--username", self.user, "--pwfile", secret, *_CLUSTER_OPTIONS]
        command = Process(
            [program("initdb"), "-D", self.directory / "data", *options],
            log=self.directory / "initdb.log",
            cwd=self.directory,
            user=self._owner,
        )
        with command:
            code = command.wait_for_exit(60)
        assert code == 0, command.output()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"

    def django_settings(self) -> dict[str, str]:
        """Return what a Django database alias needs to reach it; NAME is the test database's."""
        return {
            "HOST": "127.0.0.1",
            "NAME": "postgres",
            "PASSWORD": self.password,
            "PORT": str(self.port),
            "USER": self.user,
        }

    def add_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def find(name: str) -> Path | None:
    """Return the path of one of PostgreSQL's server programs, of the newest version there is."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    return find_program(name, directories=newest_first)


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's server programs, else skip or fail the test."""
    return find(name) or require_program(name)


def _owner() -> str | None:
    """Return the user that shall run the server: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    candidates = (name for name in ("postgres", "nobody") if name in known)
    return next(candidates, None) or unavailable("no user that PostgreSQL could run as")


@contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """Yield a PostgreSQL server that answers; end it afterwards."""
    owner = _owner()
    with private_directory("postgresql", owner) as directory:
        server = PostgresqlServer(directory, owner)
        try:
            server.initialise()
            server.start()
            yield server
        finally:
            server.stop()
