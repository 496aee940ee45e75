"""Events on their way to the terminal: JSON lines on a pipe, from the process that runs the pipeline.

The pipeline runs in a child process, so that the terminal shows our lines only: what TensorFlow, Beam and TFX print
goes to the log file.
"""

import contextlib
import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any, Final, NamedTuple

from pnfrec_core.events import Event, from_dict, of_record, to_dict

EVENTS_FD: Final = "PNFREC_EVENTS_FD"


@dataclasses.dataclass(frozen=True)
class NodeStarted(Event):
    """TFX begins a node of the pipeline."""

    node: str


@dataclasses.dataclass(frozen=True)
class NodeFinished(Event):
    """TFX has finished a node.

    Attributes:
        node: Its name.
        state: How it ended: "complete", "cached", ...
        outputs: Output key to URI.
        properties: Output key to what the artifact says of itself, by names.
    """

    node: str
    state: str
    outputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    properties: Mapping[str, Mapping[str, int | float | str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Waiting(Event):
    """The run waits for another program.

    Attributes:
        text: For whom and for what.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class RunFailed(Event):
    """The run stopped before its end.

    Attributes:
        node: The node that ran; "" before the first.
        message: What a user needs to know of the reason.
        error: The name of the error's class; "" where there was none.
    """

    node: str
    message: str
    error: str = ""


class Message(NamedTuple):
    """An event, and when it was sent, in seconds of the monotonic clock, which all processes of a machine share."""

    time: float
    event: Event


class EventWriter:
    """Writes events to the pipe named in the environment; without one (the tfx command) it does nothing."""

    def __init__(self) -> None:
        descriptor = os.environ.get(EVENTS_FD)
        self._pipe: IO[str] | None = os.fdopen(int(descriptor), "w", buffering=1) if descriptor else None

    def send(self, happened: Event) -> None:
        """Sends one event."""
        if self._pipe is not None:
            self._pipe.write(json.dumps({"time": time.monotonic(), "event": to_dict(happened)}) + "\n")


def read_events(lines: Iterable[str]) -> Iterator[Message]:
    """The events of lines that an `EventWriter` wrote."""
    for line in lines:
        fields = json.loads(line)
        yield Message(fields["time"], from_dict(fields["event"]))


class EventListener(logging.Handler):
    """Sends the events that log records carry: the progress of the Trainer and of the Tuner."""

    def __init__(self, writer: EventWriter) -> None:
        super().__init__(logging.INFO)
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        happened = of_record(record)
        if happened is not None:
            self.writer.send(happened)


Outcome = Callable[[str], NodeFinished]


class NodeWatch:
    """Sends an event when TFX begins a node and when it has finished it.

    LocalDagRunner offers no hook and reports its nodes in its log only, at a level that libraries change on the way; so
    the launcher that it makes for each node is wrapped while the pipeline runs.

    Args:
        writer: Where the events go.
        outcome: Says how a node that has just finished ended.

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
            self.writer.send(NodeStarted(self.node))
            result = launch(launcher)
            self.writer.send(self.outcome(self.node))
            return result

        Launcher.launch = watched
        try:
            yield
        finally:
            Launcher.launch = launch
