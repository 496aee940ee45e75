"""Python for tests that has TFX imported already: `python ARGUMENTS`, half a minute sooner.

A server imports TensorFlow and TFX once, and is forked for each call; it runs nothing itself, as `studies.run.forked`
explains. A small client stands in the place of the interpreter: it sends its arguments, environment, working folder and
open files to the server, waits, and ends with the same status. What a fork starts with `sys.executable` comes to the
server again. A client that is killed takes its fork along; one that is asked to end (SIGTERM, SIGINT) hands that on.

Not for claims about the imports themselves: there `sys.executable` of the test is right.
"""

import contextlib
import fcntl
import json
import logging
import os
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = (
    *("pipeline.pipeline", "tfx.orchestration.local.local_dag_runner", "tfx.components.evaluator.executor"),
    *("components.feedback.executor", "components.trainer.run", "components.tuner.run", "components.gate.extractors"),
    *("components.gate.report.executor", "components.data_gate.executor", "ml_metadata", "pandas", "yaml"),
)
# What is read when TensorFlow is imported: a call with another value needs an interpreter of its own.
READ_AT_IMPORT = ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND", "XLA_FLAGS", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS")
# Files that a client may have open. The server keeps these numbers free of its own.
_CLIENT_FDS = range(3, 64)
_MOST_FDS = 64


class WarmPython:
    """The interpreter's stand-in, for as long as the context lasts.

    All that name the same folder share one server, which ends with the last of them.

    Args:
        folder: Where they meet.

    Attributes:
        executable: What is called in the place of `sys.executable`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.executable = str(folder / "python")

    def __enter__(self) -> "WarmPython":
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self._hold()
            if held is None:
                self._start()
                held = self._hold()
            assert held is not None
        self._held = held
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _hold(self) -> socket.socket | None:
        """A connection that keeps the server alive; None where there is none."""
        place = self._folder / "socket"
        held = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            held.connect(place.read_text(encoding="utf-8"))
            held.send(b"hold")
        except OSError:
            held.close()
            return None
        return held

    def _start(self) -> None:
        # A path of a socket has 100 letters at most.
        address = os.path.join(tempfile.mkdtemp(prefix="warm-"), "s")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(address)
        listening.listen(16)
        (self._folder / "socket").write_text(address, encoding="utf-8")
        command = [sys.executable, __file__, address, self.executable]
        words = " ".join(map(shlex.quote, [sys.executable, "-S", "-E", __file__, address]))
        Path(self.executable).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        Path(self.executable).chmod(0o755)
        with listening, (self._folder / "log").open("ab") as log:
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1", "LISTEN": str(listening.fileno())}
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )


def serve(address: str, executable: str) -> None:
    """Imports, then forks for each call until nobody holds on to it."""
    import importlib

    # What the imports open gets other numbers than these, which are a fork's to give away.
    listening = socket.socket(fileno=fcntl.fcntl(int(os.environ.pop("LISTEN")), fcntl.F_DUPFD, _CLIENT_FDS.stop))
    for number in _CLIENT_FDS:
        os.dup2(0, number)
    sys.path[0] = str(ROOT)
    for module in PRELOADED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ, None)
    holders: set[socket.socket] = set()
    forks: dict[socket.socket, tuple[int, int]] = {}
    waited = False
    while holders or forks or not waited:
        for key, _ in selector.select():
            if key.fileobj is listening:
                connection, _ = listening.accept()
                selector.register(connection, selectors.EVENT_READ, None)
            elif isinstance(key.fileobj, int):
                _report(selector, key.fileobj, key.data, forks)
            else:
                connection = key.fileobj  # type: ignore[assignment]
                message, files = _receive(connection)
                if message == b"hold":
                    waited = True
                    holders.add(connection)
                elif message and connection not in forks:
                    own = [selector.fileno(), *(key.fd for key in selector.get_map().values())]
                    process = _fork(json.loads(message), files, own, executable)
                    descriptor = os.pidfd_open(process)
                    forks[connection] = (process, descriptor)
                    selector.register(descriptor, selectors.EVENT_READ, connection)
                elif message:
                    os.kill(forks[connection][0], int(message))
                else:
                    selector.unregister(connection)
                    holders.discard(connection)
                    if connection in forks:
                        os.kill(forks[connection][0], signal.SIGKILL)
                    else:
                        connection.close()
                for file in files:
                    os.close(file)
    listening.close()
    os.unlink(address)
    os.rmdir(os.path.dirname(address))


def _report(
    selector: selectors.BaseSelector, descriptor: int, connection: socket.socket, forks: dict[Any, tuple[int, int]]
) -> None:
    process, _ = forks.pop(connection)
    _, status = os.waitpid(process, 0)
    selector.unregister(descriptor)
    os.close(descriptor)
    with contextlib.suppress(OSError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    with contextlib.suppress(KeyError, ValueError):
        selector.unregister(connection)
    connection.close()


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    try:
        message, files, _, _ = socket.recv_fds(connection, 1 << 20, _MOST_FDS)
    except ConnectionError:
        return b"", []
    return message, files


def _fork(call: dict[str, Any], files: list[int], own: list[int], executable: str) -> int:
    """The number of the process; in that process it never returns. `own` are files of the server only."""
    sys.stdout.flush()
    sys.stderr.flush()
    if process := os.fork():
        return process
    status = 1
    try:
        for number in own:
            os.close(number)
        _take_over(call, files, executable)
        status = _run(call["arguments"])
    except SystemExit as error:
        status = _status(error)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        with contextlib.suppress(Exception):
            _end()
        os._exit(status & 255)


def _status(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    sys.stderr.write(f"{error.code}\n")
    return 1


def _end() -> None:
    """What an interpreter does at its end: threads are waited for, handlers called, streams written out."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()


def _take_over(call: dict[str, Any], files: list[int], executable: str) -> None:
    """The files, folder and environment of the client."""
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, _CLIENT_FDS.stop) for file in files]
    os.closerange(_CLIENT_FDS.start, _CLIENT_FDS.stop)
    for number, file in zip(call["files"], high, strict=True):
        os.dup2(file, number)
        os.close(file)
    signal.set_wakeup_fd(-1)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.executable = executable
    streams = [open(number, mode, encoding="utf-8", closefd=False) for number, mode in enumerate("rww")]  # noqa: SIM115
    sys.stdin, sys.stdout, sys.stderr = streams  # type: ignore[assignment]
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[assignment,misc]
    streams[1].reconfigure(line_buffering="-u" in call["arguments"])  # type: ignore[attr-defined]
    streams[2].reconfigure(line_buffering=True)  # type: ignore[attr-defined]
    # A remark made in an import sets logging up; a program would have done so in its own way before.
    for handler in logging.getLogger().handlers[:]:
        logging.getLogger().removeHandler(handler)


def _run(arguments: list[str]) -> int:
    """What the interpreter does with its arguments."""
    import runpy
    import types

    while arguments[:1] == ["-u"]:
        arguments = arguments[1:]
    kind = arguments[0]
    if kind == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path[0] = ""
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        exec(compile(arguments[1], "<string>", "exec"), vars(main))
    elif kind == "-m":
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(kind).resolve().parent)
        runpy.run_path(kind, run_name="__main__")
    return 0


def call(address: str, arguments: list[str]) -> NoReturn:
    """The client: has the server run it, and ends as that does."""
    if any(name in os.environ for name in READ_AT_IMPORT) or not _understood(arguments):
        os.execv(sys.executable, [sys.executable, *arguments])
    files = list(_open_files())
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # A send takes what the buffer holds.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    server.connect(address)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: server.send(str(int(number)).encode()))
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd(), "files": files}
    socket.send_fds(server, [json.dumps(request).encode()], files)
    answer = server.recv(100)
    if not answer:
        sys.stderr.write("The process that others are forked from has ended; its log lies beside this program.\n")
        os._exit(1)
    status = int(answer)
    if status < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no other handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _understood(arguments: list[str]) -> bool:
    first = next((word for word in arguments if word != "-u"), "-")
    return first in ("-c", "-m") or not first.startswith("-")


def _open_files() -> Iterator[int]:
    """Numbers of the files that this process was given."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        with contextlib.suppress(OSError):
            if os.get_inheritable(number):
                yield number


if __name__ == "__main__":
    if "LISTEN" in os.environ:
        serve(*sys.argv[1:])
    else:
        call(sys.argv[1], sys.argv[2:])
