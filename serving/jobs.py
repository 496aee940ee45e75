"""Calls in the queue of the model, and the parts of them that run together."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from serving import calls, rows

# Rows are padded to the widest of their batch. Half as much padding as there are ids is allowed, and so many columns
# more a row, where padding costs less than another run of the model.
_FREE_COLUMNS: Final = 64


class Model(Protocol):
    """What answers: a signature of a version. Calls of the same object are joined."""

    joins: bool

    def run(self, parts: Sequence[Any]) -> list[rows.Arrays]:
        """The answer to each of `parts`: `rows.Rows`, or one request as it is where nothing is joined."""


class Told(NamedTuple):
    """Who is told when a call has ended that no thread waits for.

    Attributes:
        post: Takes the `token` of each call that ended at once with others. It is called in the thread that ran them,
            and must return at once.
        token: What tells the caller which call it is.
    """

    post: Callable[[list[Any]], None]
    token: Any


class Job:
    """A call in the queue. Everything is changed under the lock of the batcher.

    Args:
        model: What answers it.
        request: `rows.Rows`, or the request as it is where nothing is joined.
        count: Its rows.
        call: Until when an answer is wanted.
        told: Who is told of the end; None where a thread waits for it.
    """

    def __init__(self, model: Model, request: Any, count: int, call: calls.Call, told: Told | None = None) -> None:
        self.model = model
        self.request = request
        self.count = count
        self.call = call
        self.told = told
        self.taken = 0  # rows that are running, or done
        self.running = 0  # parts that run
        self.parts: dict[int, rows.Arrays] = {}  # by the first row
        self.fault: Exception | None = None
        self.ended = False
        self.leads = False
        # Held but for the moment in which the thread of this call is woken, to lead or to take its answer.
        self.turn = threading.Lock()
        self.turn.acquire()

    def answer(self) -> rows.Arrays:
        """The answer to a job that has ended, or what it failed by."""
        if self.fault is not None:
            raise self.fault
        return rows.stack([self.parts[start] for start in sorted(self.parts)])


class Part:
    """Rows of a job that run together with those of others."""

    def __init__(self, job: Job, most: int) -> None:
        self.job = job
        self.start = job.taken
        self.count = min(job.count - job.taken, most) if job.model.joins else job.count
        self.request = job.request
        self.widths: tuple[int, ...] = ()
        if job.model.joins:
            self.request = job.request.part(self.start, self.start + self.count)
            self.widths = self.request.widths


class Batch:
    """Parts that run together, as they are put together.

    Args:
        first: The part that the others have to go with.
    """

    def __init__(self, first: Part) -> None:
        self.parts = [first]
        self._model = first.job.model
        self._count = first.count
        self._widths = first.widths
        self._real = first.count * sum(first.widths)

    def add(self, part: Part) -> bool:
        """Takes rows in: those of the same signature, and not much wider or narrower. False where they do not fit."""
        if part.job.model is not self._model or not self._model.joins:
            return False
        count = self._count + part.count
        widths = tuple(map(max, self._widths, part.widths))
        real = self._real + part.count * sum(part.widths)
        if 2 * count * sum(widths) > 3 * real + 2 * count * _FREE_COLUMNS:
            return False
        self.parts.append(part)
        self._count, self._widths, self._real = count, widths, real
        return True
