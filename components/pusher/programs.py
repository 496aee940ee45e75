"""Programs that ask models before one is pushed, in a process that has neither trained nor judged any.

One process runs all of a push: to import TensorFlow takes longer than to load a small model and ask it.
"""

import contextlib
import json
import os
import select
import subprocess
import tempfile
from types import TracebackType
from typing import Any, Final

from pnfrec_core import launch

# Loading takes seconds; a model that takes minutes is none that a server could switch to.
_TIMEOUT_SECONDS: Final = 600
_SAID: Final = 2000


class NotServableError(RuntimeError):
    """The model cannot be served, or not fast enough. Nothing was pushed."""


class Programs:
    """The process, which begins with the first program. Where it dies, the next program has a new one.

    Args:
        timeout: Seconds that a program may take.
    """

    def __init__(self, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._logged = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (see `close`)

    def __enter__(self) -> "Programs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._end(kill=True)
        self._logged.close()

    def run(self, module: str, model: str, *arguments: str) -> dict[str, Any]:
        """What a program that asks a model answers.

        Args:
            module: The program.
            model: Where the model lies, for messages.
            arguments: What the program gets.

        Raises:
            NotServableError: It tells of an error, dies, or takes too long.
        """
        found = self._answer(json.dumps([module, *arguments]), model)
        if "error" in found:
            raise _not_servable(model, str(found["error"])[-_SAID:])
        return found

    def _answer(self, asked: str, model: str) -> dict[str, Any]:
        process = self._process = self._process or self._begin()
        assert process.stdin is not None
        assert process.stdout is not None
        # What programs before this one have logged is no reason. The process writes where this one stands.
        self._logged.seek(0)
        self._logged.truncate()
        try:
            process.stdin.write(asked + "\n")
            process.stdin.flush()
        except BrokenPipeError:  # it has died since its last answer, and has nothing to read
            raise _not_servable(model, self._last_words()) from None
        if not select.select([process.stdout], [], [], self._timeout)[0]:
            self._end(kill=True)
            msg = f"The model in {model} did not answer within {self._timeout:g} s. Nothing was pushed."
            raise NotServableError(msg)
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise _not_servable(model, self._last_words())
        found: dict[str, Any] = json.loads(line)
        return found

    def _begin(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            launch.command("serving.programs"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._logged,
            text=True,
            encoding="utf-8",
            # What a library warns of is no reason why a model does not answer.
            env={**os.environ, "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def _last_words(self) -> str:
        """Why the process broke off: what was logged last."""
        status = self._end()
        self._logged.seek(0)
        return self._logged.read().strip()[-_SAID:] or f"the process ended with status {status} and said nothing"

    def _end(self, kill: bool = False) -> int:
        """Waits for the end of the process, or brings it about: it holds nothing that could be lost. Its status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            if kill:
                process.kill()
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # what it was asked last, and has not read
                    process.stdin.close()
        return process.returncode


def _not_servable(model: str, said: str) -> NotServableError:
    return NotServableError(
        f"The model in {model} cannot be served: {said}\nNothing was pushed: the version that serves stays. Train "
        "and export again; `push.rehearse: false` pushes without asking."
    )
