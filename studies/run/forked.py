"""Runs functions in processes forked from one that has imported TensorFlow already, half a minute that each would pay.

That one runs nothing itself: TensorFlow takes no device and starts nothing before its first operation, so that what is
forked is as good as a process of its own.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
# Starting a process asks after all others, and two threads that ask after one at once may lose its exit status.
_LOCK = threading.Lock()
_TAIL = 3000


class ForkError(RuntimeError):
    """The process that others are forked from has failed; the message ends with what it wrote last."""


class ForkServer:
    """A process that has imported modules, and is forked for each call.

    A program has one: a second, of other modules or another environment, would be the first again.

    Args:
        modules: What it imports. One that cannot be found is left to the functions that are called.
        environment: What it and its forks have besides this process's environment.

    Raises:
        ForkError: It cannot import them, or was killed.
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        # What it writes is no news to who waits for the calls, until one fails without a word of its own.
        self._written = tempfile.TemporaryFile("w+b")  # noqa: SIM115
        # Python older than 3.11 imports from the folder that it stands in, which must not be the user's own.
        # It is removed when all is imported: nothing is left of a program that is killed later.
        with tempfile.TemporaryDirectory(prefix="pnfrec-") as folder:
            with (
                _LOCK,
                _own_environment(self._environment),
                _output_to(self._written.fileno()),
                _standing_in(folder),
            ):
                _CONTEXT.set_forkserver_preload(list(modules))
                multiprocessing.forkserver.ensure_running()
            # Where nobody else waits yet: interrupted in the midst of its imports, it ends, and so does the program.
            self.heard(_nothing, None, lambda _: None)

    def heard(self, function: Callable[[Any], None], argument: Any, hear: Callable[[str], None]) -> tuple[int, str]:
        """Calls a function in a fork; the exit status of that, and what it wrote to stderr.

        Args:
            function: Of a module, so that the fork finds it.
            argument: Of the function; it is pickled.
            hear: Gets each line of stdout as it comes.

        Raises:
            ForkError: There is nothing to fork from.
        """
        # A file, since a pipe that nobody reads while stdout is read could fill, and stop the process.
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as errors:
            reader, writer = _CONTEXT.Pipe(duplex=False)
            call = (function, argument, self._environment, writer, errors.name)
            with reader:
                with writer:
                    process = self._started(call)
                try:
                    with os.fdopen(os.dup(reader.fileno()), encoding="utf-8", errors="replace") as lines:
                        for line in lines:
                            hear(line)
                except BaseException:
                    process.terminate()  # nobody hears it any more
                    raise
            multiprocessing.connection.wait([process.sentinel])
            with _LOCK:
                process.join()
            return int(process.exitcode or 0), errors.read() or (self._last_words() if process.exitcode else "")

    def _started(self, call: tuple[Any, ...]) -> Any:
        process = _CONTEXT.Process(target=_call, args=call)
        try:
            with _LOCK:
                process.start()
        except (EOFError, OSError) as error:
            msg = f"The process that others are forked from has ended:\n{self._last_words()}"
            raise ForkError(msg) from error
        return process

    def _last_words(self) -> str:
        # The place that it writes at is this one's as well: it may not be moved.
        size = os.fstat(self._written.fileno()).st_size
        return os.pread(self._written.fileno(), _TAIL, max(size - _TAIL, 0)).decode(errors="replace").rstrip()


def _nothing(_: None) -> None:
    """Done when all is imported."""


def _call(
    function: Callable[[Any], None], argument: Any, environment: dict[str, str], stdout: Connection, errors: str
) -> None:
    os.environ.update(environment)
    os.dup2(stdout.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    function(argument)


@contextlib.contextmanager
def _own_environment(environment: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _standing_in(folder: str) -> Iterator[None]:
    """A fork goes back to the working folder that its caller has."""
    before = os.open(os.curdir, os.O_RDONLY)
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


@contextlib.contextmanager
def _output_to(file: int) -> Iterator[None]:
    """Gives this process, and those that it starts, a file for stdout and stderr."""
    kept = []
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        kept.append(os.dup(number))
        os.dup2(file, number)
    try:
        yield
    finally:
        for number, old in enumerate(kept, start=1):
            os.dup2(old, number)
            os.close(old)
