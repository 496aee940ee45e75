"""Processes of an engine on this machine: their logs, what they are started with, and their end."""

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

from tests.cluster.fetch import ROOT

HERE = "127.0.0.1"
# What the engines' own scripts give to Java 17, which else lets nobody look into these packages.
_OPENED = (
    *("java.lang", "java.net", "java.io", "java.nio", "java.lang.reflect", "java.text", "java.time", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.nio.ch"),
)
JAVA = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-exports=java.base/sun.net.util=ALL-UNNAMED"),
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
)


def free_port(address: str = HERE) -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


_Own = TypeVar("_Own", bound="Processes")


@dataclasses.dataclass
class Processes:
    """Processes, each with a log, that end together.

    Attributes:
        folder: Of logs, settings and what the processes keep.
        jars: The folder of the jars.
        processes: By name.
    """

    folder: Path
    jars: Path
    processes: dict[str, "subprocess.Popen[bytes]"] = dataclasses.field(default_factory=dict)
    _logs: list[IO[bytes]] = dataclasses.field(default_factory=list)

    def start(self) -> None:
        """Starts them, and waits until they answer."""
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self: _Own) -> Iterator[_Own]:
        """For as long as the context lasts."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def check(self) -> None:
        """Raises a RuntimeError where one has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                msg = f"{name} has ended with status {process.returncode}: see {self.folder / name}.log."
                raise RuntimeError(msg)

    def stop(self) -> None:
        """Ends all processes, and those that they have started."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for log in self._logs:
            log.close()

    def _start(self, name: str, command: list[str], **variables: str) -> None:
        # A pool starts `python` from PATH, and workers import what is tested.
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **variables,
        }
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        self.processes[name] = subprocess.Popen(
            command, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
        )
