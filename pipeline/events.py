"""What a run tells about itself: JSON lines on a pipe, from the process that runs the pipeline to the one that prints.

The pipeline runs in a child process, so that the terminal shows our lines only: what TensorFlow, Beam and TFX print
goes to the log file.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

EVENTS_FD: Final = "PNFREC_EVENTS_FD"

# Kinds of events.
NODE_STARTED: Final = "node_started"
NODE_FINISHED: Final = "node_finished"
EPOCH: Final = "epoch"
FAILED: Final = "failed"


class EventWriter:
    """Writes events to the pipe named in the environment; without one (the tfx command) it does nothing."""

    def __init__(self) -> None:
        descriptor = os.environ.get(EVENTS_FD)
        self._pipe: IO[str] | None = os.fdopen(int(descriptor), "w", buffering=1) if descriptor else None

    def send(self, kind: str, **values: Any) -> None:
        """Sends one event."""
        if self._pipe is not None:
            self._pipe.write(json.dumps({"kind": kind, "time": time.time(), **values}) + "\n")


def read_events(pipe: IO[str]) -> Iterator[dict[str, Any]]:
    """Events until the writer closes the pipe."""
    for line in pipe:
        yield json.loads(line)


class LogListener(logging.Handler):
    """Turns the log records that mark progress into events.

    TFX's LocalDagRunner says what it runs in its log only. The records are recognised by their format strings, which
    both supported releases share; a test runs them.

    Args:
        writer: Where the events go.
        outcome: Says how a node that has just finished ended: its state, and the URIs of its outputs by their keys.
    """

    def __init__(self, writer: EventWriter, outcome: Callable[[str], tuple[str, dict[str, str]]]) -> None:
        super().__init__(logging.INFO)
        self.writer = writer
        self.outcome = outcome
        self.node = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = str(record.msg)
        if message == "Component %s is running.":
            self.node = str(record.args[0]) if isinstance(record.args, tuple) else ""
            self.writer.send(NODE_STARTED, node=self.node)
        elif message == "Component %s is finished.":
            state, outputs = self.outcome(self.node)
            self.writer.send(NODE_FINISHED, node=self.node, state=state, outputs=outputs)
        elif message.startswith("epoch %d/%d"):
            self.writer.send(EPOCH, text=record.getMessage())
