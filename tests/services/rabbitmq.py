"""A private RabbitMQ node with its own port mapper, data, cookie and logs."""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import amqp

from tests.services.needs import require_program
from tests.services.process import Process, Service, free_port, private_directory

# Debian's /usr/sbin/rabbitmq-server changes user and writes to /var; this one does neither.
_DIRECTORIES = (Path("/usr/lib/rabbitmq/bin"),)


class RabbitmqServer(Service):
    """One node on free ports of the loopback interface.

    `stop` and `start` restart it on the same ports with what it had stored; `kill` is a crash.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.env = _environment(directory, self.port)
        server = require_program("rabbitmq-server", directories=_DIRECTORIES)
        self._control = require_program("rabbitmqctl", directories=_DIRECTORIES)
        self._port_mapper = Process(
            [require_program("epmd"), "-address", "127.0.0.1", "-port", self.env["ERL_EPMD_PORT"]],
            log=directory / "epmd.log",
        )
        self.process = Process([server], log=directory / "rabbitmq.log", env=self.env)

    def url(self, vhost: str = "/") -> str:
        """Return the AMQP address of a virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost.replace('/', '%2F')}"

    def start(self) -> None:
        """Start it and return when it answers."""
        if not self._port_mapper.is_running:
            self._port_mapper.start()
        super().start()

    def close(self) -> None:
        """End node and port mapper for good, keeping nothing."""
        self.process.kill()
        self._port_mapper.kill()

    def add_vhost(self) -> str:
        """Make an empty virtual host that guest may use, and return its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        anything = '<<".*">>'
        self.control(
            "eval",
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, '
            f'{anything}, {anything}, {anything}, <<"test">>).',
        )
        return name

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node and return what it printed."""
        command = Process(
            [self._control, "--quiet", *arguments],
            log=self.directory / f"control-{uuid.uuid4().hex}.log",
            env=self.env,
        )
        with command:
            code = command.wait_for_exit(30)
        assert code == 0, command.output()
        return command.output()

    def _answers(self) -> bool:
        with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=2, read_timeout=2):
            return True


def _environment(directory: Path, port: int) -> dict[str, str]:
    config = directory / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.local = 127.0.0.1:{port}\nlog.console = true\n")
    plugins = directory / "enabled_plugins"
    plugins.write_text("[].\n")
    loopback = "{127,0,0,1}"
    return {
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(free_port()),
        "HOME": str(directory),
        # Erlang's own handler ends the node on SIGTERM; the start script would need rabbitmqctl.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CTL_ERL_ARGS": f"-kernel inet_dist_use_interface {loopback}",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_NODENAME": f"headway-{uuid.uuid4().hex[:12]}@localhost",
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        "RABBITMQ_SERVER_START_ARGS": "-noinput",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {loopback}",
    }


@contextmanager
def running_rabbitmq() -> Iterator[RabbitmqServer]:
    """Yield a RabbitMQ node that answers; end it afterwards."""
    with ExitStack() as stack:
        server = RabbitmqServer(stack.enter_context(private_directory("rabbitmq")))
        stack.callback(server.close)
        server.start()
        yield server
