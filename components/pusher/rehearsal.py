"""Lets a model answer before it is pushed, in a process that has neither trained nor judged it."""

import logging
import tempfile
from pathlib import Path
from typing import NamedTuple

from tfx.utils import io_utils

from components.pusher.config import PushConfig
from components.pusher.programs import NotServableError, Programs
from pnfrec_core import events

log = logging.getLogger(__name__)


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


def rehearse(model: str, config: PushConfig, programs: Programs) -> Rehearsal:
    """Loads a SavedModel as TensorFlow Serving does and asks it.

    Args:
        model: Its folder, here or in a store.
        config: The bound on the time of an answer.
        programs: Where it is asked.

    Raises:
        NotServableError: It cannot be loaded, does not answer, or is too slow.
    """
    events.report(log, events.Rehearsing())
    with tempfile.TemporaryDirectory(prefix="pnfrec-rehearsal-") as scratch:
        folder = model
        if "://" in model:
            folder = str(Path(scratch) / "model")
            io_utils.copy_dir(model, folder)
        found = Rehearsal(**programs.run("serving.rehearsal", model, folder))
    log.info("Rehearsal: loaded in %.1f s, answers in %.1f ms (%s).", *found)
    if config.max_answer_ms is not None and found.answer_ms > config.max_answer_ms:
        msg = (
            f"The model answers one user in {found.answer_ms:.1f} ms (median, signature `{found.signature}`), and "
            f"`push.max_answer_ms` is {config.max_answer_ms:g}. Nothing was pushed: the version that serves stays. "
            "Make the model smaller, or raise the bound; on a busy machine, run it again."
        )
        raise NotServableError(msg)
    return found
