"""The process that `tests.support.warm_python` forks others from: a program of its own."""

import contextlib
import fcntl
import json
import logging
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = (
    *("pipeline.pipeline", "tfx.orchestration.local.local_dag_runner", "tfx.components.evaluator.executor"),
    *("components.feedback.executor", "components.trainer.run", "components.tuner.run", "components.gate.extractors"),
    *("components.gate.report.executor", "components.data_gate.executor", "ml_metadata", "pandas", "yaml"),
)
# Files that a client may have open. The server keeps these numbers free of its own.
_CLIENT_FDS = range(3, 64)
_MOST_FDS = 64


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


if __name__ == "__main__":
    serve(*sys.argv[1:])
