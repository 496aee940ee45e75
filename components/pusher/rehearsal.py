"""Lets a model answer before it is pushed, in a process that has neither trained nor judged it."""

import json
import logging
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tfx.utils import io_utils

from components.pusher.config import PushConfig
from pnfrec_core import events, launch

# Loading takes seconds; a model that takes minutes is none that a server could switch to.
_TIMEOUT_SECONDS = 600
_SAID = 2000

log = logging.getLogger(__name__)


class NotServableError(RuntimeError):
    """The model cannot be served, or not fast enough. Nothing was pushed."""


class Rehearsal(NamedTuple):
    """How a model answered.

    Attributes:
        load_seconds: Until it was loaded and had answered everything once.
        answer_ms: The median time of an answer to one user, of the slowest signature.
        signature: That signature.
    """

    load_seconds: float
    answer_ms: float
    signature: str


def rehearse(model: str, config: PushConfig) -> Rehearsal:
    """Loads a SavedModel as TensorFlow Serving does and asks it.

    Args:
        model: Its folder, here or in a store.
        config: The bound on the time of an answer.

    Raises:
        NotServableError: It cannot be loaded, does not answer, or is too slow.
    """
    events.report(log, events.Rehearsing())
    with tempfile.TemporaryDirectory(prefix="pnfrec-rehearsal-") as scratch:
        folder = model
        if "://" in model:
            folder = str(Path(scratch) / "model")
            io_utils.copy_dir(model, folder)
        found = Rehearsal(**run_program("serving.rehearsal", model, folder))
    log.info("Rehearsal: loaded in %.1f s, answers in %.1f ms (%s).", *found)
    if config.max_answer_ms is not None and found.answer_ms > config.max_answer_ms:
        msg = (
            f"The model answers one user in {found.answer_ms:.1f} ms (median, signature `{found.signature}`), and "
            f"`push.max_answer_ms` is {config.max_answer_ms:g}. Nothing was pushed: the version that serves stays. "
            "Make the model smaller, or raise the bound; on a busy machine, run it again."
        )
        raise NotServableError(msg)
    return found


def run_program(module: str, model: str, *arguments: str) -> dict[str, Any]:
    """What a program that asks a model prints as its last line, read as JSON.

    Args:
        module: The program.
        model: Where the model lies, for messages.
        arguments: What the program gets.

    Raises:
        NotServableError: It ends with another status than 0, or takes too long.
    """
    try:
        done = subprocess.run(
            launch.command(module, *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            # What a library warns of is no reason why a model does not answer.
            env={**os.environ, "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.TimeoutExpired as error:
        msg = f"The model in {model} did not answer within {_TIMEOUT_SECONDS} s. Nothing was pushed."
        raise NotServableError(msg) from error
    if done.returncode:
        said = _reason(done)
        msg = (
            f"The model in {model} cannot be served: {said}\nNothing was pushed: the version that serves stays. Train "
            "and export again; `push.rehearse: false` pushes without asking."
        )
        raise NotServableError(msg)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    """Why a program failed: as it tells, or, where it was cut off, what was logged last."""
    try:
        return str(json.loads(done.stdout.splitlines()[-1])["error"])[-_SAID:]
    except (IndexError, ValueError, KeyError, TypeError):
        logged = done.stderr.strip()[-_SAID:]
        return logged or f"the process ended with status {done.returncode} and said nothing"
