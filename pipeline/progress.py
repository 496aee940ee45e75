"""What the terminal shows while a pipeline runs."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

import click

from components.pusher.properties import VersionAhead
from pipeline.events import NodeFinished, NodeStarted, RunFailed, read_events
from pnfrec_core.events import Event

WIDTH: Final = 100


class Progress:
    """Prints a line a node while the pipeline runs, and keeps what the nodes produced.

    Args:
        started: When the run began, in seconds of the monotonic clock.

    Attributes:
        outputs: Node to output key to URI.
        properties: Node to output key to what the artifact says of itself.
        failure: How the run failed, if it did.
        node: The node that runs now, or ran last.
        nodes: Node to how it ended and how many seconds it took.
    """

    def __init__(self, started: float) -> None:
        self.outputs: dict[str, dict[str, str]] = {}
        self.properties: dict[str, dict[str, Mapping[str, int | float | str]]] = {}
        self.failure: RunFailed | None = None
        self.node = ""
        self.nodes: dict[str, tuple[str, float]] = {}
        self._last = started
        self._first = True

    @property
    def running(self) -> str:
        """The node that has begun and not ended; "" for none."""
        return "" if self.node in self.nodes else self.node

    def follow(self, lines: Iterable[str]) -> None:
        """Prints until the pipeline's process ends: `lines` are what it sends."""
        click.echo("    importing TensorFlow, TFX and Beam")
        for time, event in read_events(lines):
            self._show(event, time)

    def say(self, text: str, fg: str | None = None) -> None:
        """Prints a line below what a node has said."""
        text = textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
        click.secho(text, fg=fg)

    def _show(self, event: Event, now: float) -> None:
        if isinstance(event, NodeStarted):
            if self._first:
                self._line("start-up", "", now)
                self._first = False
            self._last = now
            self.node = event.node
        elif isinstance(event, NodeFinished):
            self.outputs[event.node] = dict(event.outputs)
            self.properties[event.node] = dict(event.properties)
            self.nodes[event.node] = event.state, round(now - self._last, 1)
            self._line(event.node, "" if event.state == "complete" else event.state, now)
        elif isinstance(event, RunFailed):
            self.failure = event
        else:
            # The progress of a node, below which its own line follows.
            self.say(str(event), fg="yellow" if isinstance(event, VersionAhead) else None)

    def _line(self, name: str, note: str, now: float) -> None:
        click.echo(f"  {name:<20} {now - self._last:6.1f} s  {note}".rstrip())
        self._last = now
