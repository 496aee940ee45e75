"""Runs functions in processes forked from one that has imported TensorFlow already, half a minute that each would pay.

That one runs nothing itself: TensorFlow starts no thread and takes no device before its first operation, so that what
is forked is as good as a process of its own.
"""

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
# Starting a process asks after all others, and two threads that ask after one at once may lose its exit status.
_LOCK = threading.Lock()


def preload(modules: list[str], environment: Mapping[str, str]) -> None:
    """Starts the process that the others are forked from, unless there is one already; does not wait for it.

    Args:
        modules: What it imports.
        environment: What it has besides this process's environment.
    """
    before = {name: os.environ.get(name) for name in environment}
    with _LOCK:
        _CONTEXT.set_forkserver_preload(modules)
        os.environ.update(environment)
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def heard(
    function: Callable[[Any], None], argument: Any, environment: Mapping[str, str], hear: Callable[[str], None]
) -> tuple[int, str]:
    """Runs a function in a process of its own; the exit status of that and what it wrote to stderr.

    Args:
        function: Of a module, so that the process finds it.
        argument: Of the function; it is pickled.
        environment: What it has besides the environment of what it is forked from.
        hear: Gets each line of stdout as it comes.
    """
    # A file, since a pipe that nobody reads while stdout is read could fill, and stop the process.
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as errors:
        reader, writer = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_run, args=(function, argument, dict(environment), writer, errors.name))
        with _LOCK:
            process.start()
        writer.close()
        with reader, os.fdopen(os.dup(reader.fileno()), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                hear(line)
        multiprocessing.connection.wait([process.sentinel])
        with _LOCK:
            process.join()
        code = process.exitcode
        assert code is not None, "it has ended"
        return code, errors.read()


def _run(
    function: Callable[[Any], None], argument: Any, environment: dict[str, str], stdout: Connection, errors: str
) -> None:
    os.environ.update(environment)
    os.dup2(stdout.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    function(argument)
