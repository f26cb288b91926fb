"""The wheel, and environments that have nothing but the wheel and what it asks for."""

import sys
import venv
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from tests.services.process import ROOT, Process

DISTRIBUTION = "celery-headway"


def build(directory: Path) -> Path:
    """Build the wheel from the source distribution, as a package index would get it."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT]
    with Process(command, log=directory / "build.log") as process:
        assert process.wait_for_exit(60) == 0, process.output()
    (path,) = directory.glob("celery_headway-*.whl")
    return path


class Environment:
    """A virtual environment without the packages of the one that runs the tests.

    Versions are the same as there, so that what is tested against old versions is it here too.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, *requirements: str | Path) -> None:
        """Make it and install `requirements`."""
        venv.create(self.directory, with_pip=True)
        constraints = self.directory / "constraints.txt"
        constraints.write_text("".join(f"{line}\n" for line in _versions()))
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        self.run(*install, "--constraint", constraints, *requirements, timeout_s=240)

    def program(self, name: str) -> Path:
        """Path of a program that one of the packages brought."""
        return self.directory / "bin" / name

    def run(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> str:
        """Run its Python with `arguments`; what it printed. AssertionError when it fails."""
        code, output = self.call(*arguments, cwd=cwd, env=env, timeout_s=timeout_s)
        assert code == 0, f"{arguments} ended with {code}\n{output}"
        return output

    def call(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> tuple[int, str]:
        """Run its Python with `arguments`; the exit code and what it printed."""
        process = Process(
            [self.program("python"), *arguments],
            log=self.directory / "run.log",
            cwd=cwd or self.directory,
            env=env,
        )
        with process:
            code = process.wait_for_exit(timeout_s)
        return code, process.output()


def _versions() -> list[str]:
    found = {
        distribution.name: distribution.version
        for distribution in metadata.distributions()
        if distribution.name != DISTRIBUTION
    }
    return sorted(f"{name}=={version}" for name, version in found.items())
