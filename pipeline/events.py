"""What a run tells about itself: JSON lines on a pipe, from the process that runs the pipeline to the one that prints.

The pipeline runs in a child process, so that the terminal shows our lines only: what TensorFlow, Beam and TFX print
goes to the log file.
"""

import contextlib
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


Outcome = Callable[[str], tuple[str, dict[str, str]]]


class EpochListener(logging.Handler):
    """Sends the log lines that training writes after each epoch, and the Tuner after each trial."""

    def __init__(self, writer: EventWriter) -> None:
        super().__init__(logging.INFO)
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(("epoch %d/%d", "trial %d/%d")):
            self.writer.send(EPOCH, text=record.getMessage())


class NodeWatch:
    """Sends an event when TFX begins a node and when it has finished it.

    LocalDagRunner offers no hook and tells of its nodes in its log only, at a level that libraries change on the
    way; so the launcher that it makes for each node is wrapped while the pipeline runs.

    Args:
        writer: Where the events go.
        outcome: Says how a node that has just finished ended: its state, and the URIs of its outputs by their keys.

    Attributes:
        node: The node that runs now, or ran last.
    """

    def __init__(self, writer: EventWriter, outcome: Outcome) -> None:
        self.writer = writer
        self.outcome = outcome
        self.node = ""

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches the nodes that are launched inside the context."""
        from absl import logging as absl_logging
        from tfx.orchestration.portable.launcher import Launcher

        launch = Launcher.launch

        def watched(launcher: Any) -> Any:
            absl_logging.set_verbosity(absl_logging.INFO)
            self.node = launcher._pipeline_node.node_info.id
            self.writer.send(NODE_STARTED, node=self.node)
            result = launch(launcher)
            state, outputs = self.outcome(self.node)
            self.writer.send(NODE_FINISHED, node=self.node, state=state, outputs=outputs)
            return result

        Launcher.launch = watched
        try:
            yield
        finally:
            Launcher.launch = launch
