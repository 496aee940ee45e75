"""Calls that wait together are one call of the model.

Nothing waits on purpose: a call that finds the model free runs at once, in the thread that brought it; what arrives
meanwhile waits, and is taken together when the model is free again, by the thread of one of those that wait. Small
calls are taken in their order, at most `batch_rows` rows at a time. A call of more rows than that is cut: batches of
small calls and parts of large ones take turns, as large calls do among each other, so that a small call never waits
for more than one part.
"""

import collections
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from serving import calls, observe, rows
from serving.errors import RequestFault
from serving.limits import Limits

RESOURCE_EXHAUSTED: Final = "RESOURCE_EXHAUSTED"
# Rows are padded to the widest of their batch. Half as much padding as there are ids is allowed, and so many columns
# more a row, where padding costs less than another run of the model.
_FREE_COLUMNS: Final = 64
# How often, at most, a thread that goes on with the queue lets others come into it first.
_TURNS: Final = 4


class Model(Protocol):
    """What answers: a signature of a version. Calls of the same object are joined."""

    joins: bool

    def run(self, parts: Sequence[Any]) -> list[rows.Arrays]:
        """The answer to each of `parts`: `rows.Rows`, or one request as it is where nothing is joined."""


class _Job:
    """A call in the queue. Everything is changed under the lock of the batcher."""

    def __init__(self, model: Model, request: Any, count: int, call: calls.Call) -> None:
        self.model = model
        self.request = request
        self.count = count
        self.call = call
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
        if self.fault is not None:
            raise self.fault
        return rows.stack([self.parts[start] for start in sorted(self.parts)])


class _Part:
    """Rows of a job that run together with those of others."""

    def __init__(self, job: _Job, most: int) -> None:
        self.job = job
        self.start = job.taken
        self.count = min(job.count - job.taken, most) if job.model.joins else job.count
        self.request = job.request
        self.widths: tuple[int, ...] = ()
        if job.model.joins:
            self.request = job.request.part(self.start, self.start + self.count)
            self.widths = self.request.widths


class Batcher:
    """Runs the model for calls of many threads.

    Args:
        limits: `batch_rows`, `max_waiting_rows` and `model_runs` of it.
        observer: Is told of every run and refusal.
    """

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        observer: observe.Observer = observe.NoObserver(),  # noqa: B008 (without a state)
    ) -> None:
        self._limits = limits
        self._observer = observer
        self._lock = threading.Lock()
        # Calls of at most `batch_rows` rows, and those that are cut.
        self._small: collections.deque[_Job] = collections.deque()
        self._large: collections.deque[_Job] = collections.deque()
        self._turn_of_large = False
        self._waiting_rows = 0
        self._leaders = 0
        self._busy = False  # calls came while others ran

    def run(self, model: Model, request: Any, count: int, call: calls.Call) -> rows.Arrays:
        """The answer to a request of `count` rows, as if it had been asked alone.

        Raises:
            RequestFault: RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED or CANCELLED without a run of the model, or what the
                model says.
            Exception: What the model raises.
        """
        job = _Job(model, request, max(count, 1), call)
        with self._lock:
            # What is larger than the whole queue may still run where nothing waits.
            full = self._waiting_rows > 0 and self._waiting_rows + job.count > self._limits.max_waiting_rows
            if not full:
                self._queue_of(job).append(job)
                self._waiting_rows += job.count
                job.leads = self._leaders < self._limits.model_runs
                self._leaders += job.leads
            depth = self._waiting_rows
        if full:
            self._observer.on_refused(observe.QUEUE_FULL)
            msg = f"{depth} rows wait for the model; this server lets {self._limits.max_waiting_rows} wait "
            msg += "(`--max-waiting-rows`). Ask again a little later."
            raise RequestFault(RESOURCE_EXHAUSTED, msg)
        self._observer.queue_depth(depth)
        while not job.ended:
            if job.leads:
                self._lead(job)
            else:
                self._wait(job)
        return job.answer()

    def _wait(self, job: _Job) -> None:
        """Until the job has ended, or is to lead."""
        seconds = job.call.remaining()
        if job.turn.acquire(timeout=-1 if seconds is None else seconds):
            return
        with self._lock:
            woken = job.ended or job.leads
            if not woken and not job.running:
                self._queue_of(job).remove(job)
                self._give_up(job, observe.DEADLINE)
        # Another thread has woken this one just now, or runs rows of it, which may need what the caller has lent.
        job.turn.acquire()

    def _lead(self, job: _Job) -> None:
        """Runs what waits until the job of this thread has ended; then another thread that waits does."""
        while True:
            if self._busy:
                # Threads that have a request in hand already may put it into the queue before it is looked at.
                self._let_in()
            with self._lock:
                parts = [] if job.ended else self._take()
                if not parts:
                    self._hand_over(job)
                    break
                depth = self._waiting_rows
            self._observer.queue_depth(depth)
            self._run(parts)

    def _let_in(self) -> None:
        for _ in range(_TURNS):
            before = self._waiting_rows
            time.sleep(0)
            if self._waiting_rows == before:
                return

    def _hand_over(self, job: _Job) -> None:
        """Under the lock."""
        job.leads = False
        for other in (*self._small, *self._large):
            # One that leads already has rows in the queue too, where the model runs several times at once.
            if not other.leads:
                other.leads = self._busy = True
                other.turn.release()
                return
        self._leaders -= 1
        self._busy = False

    def _take(self) -> list[_Part]:
        """Under the lock: the rows that run next. A part of a large call and a batch of small ones take turns."""
        if self._turn_of_large:
            return self._take_part() or self._take_batch()
        return self._take_batch() or self._take_part()

    def _take_part(self) -> list[_Part]:
        self._turn_of_large = False
        while self._large:
            job = self._large.popleft()
            if reason := job.call.given_up():
                self._give_up(job, reason)
                continue
            part = self._begin(_Part(job, self._limits.batch_rows))
            if job.taken < job.count:
                self._large.append(job)
            return [part]
        return []

    def _take_batch(self) -> list[_Part]:
        """The first of the small calls, and those that go with it."""
        self._turn_of_large = True
        parts: list[_Part] = []
        passed: list[_Job] = []
        room = self._limits.batch_rows
        while self._small and room > 0:
            job = self._small.popleft()
            if reason := job.call.given_up():
                self._give_up(job, reason)
                continue
            part = _Part(job, job.count)
            if parts and (part.count > room or not _goes_with(parts, part)):
                passed.append(job)
                continue
            parts.append(self._begin(part))
            room = room - part.count if job.model.joins else 0
        self._small.extendleft(reversed(passed))
        return parts

    def _begin(self, part: _Part) -> _Part:
        part.job.taken += part.count
        part.job.running += 1
        self._waiting_rows -= part.count
        return part

    def _queue_of(self, job: _Job) -> "collections.deque[_Job]":
        return self._large if job.model.joins and job.count > self._limits.batch_rows else self._small

    def _give_up(self, job: _Job, reason: str) -> None:
        """Under the lock, for a job that is no longer in the queue: what waits of it is not run."""
        self._waiting_rows -= job.count - job.taken
        job.taken = job.count
        job.fault = calls.fault_of(reason)
        self._observer.on_refused(reason)
        self._end_if_done(job)

    def _run(self, parts: list[_Part]) -> None:
        try:
            found: list[Any] = self._timed(parts)
        except Exception as error:
            # One of them spoils it for all: alone, each gets what it deserves.
            found = [error] if len(parts) == 1 else [self._alone(part) for part in parts]
        with self._lock:
            for part, outputs in zip(parts, found, strict=True):
                job = part.job
                job.running -= 1
                if isinstance(outputs, Exception):
                    self._fail(job, outputs)
                else:
                    job.parts[part.start] = outputs
                self._end_if_done(job)

    def _alone(self, part: _Part) -> Any:
        try:
            return self._timed([part])[0]
        except Exception as error:
            return error

    def _timed(self, parts: list[_Part]) -> list[rows.Arrays]:
        began = time.perf_counter()
        found = parts[0].job.model.run([part.request for part in parts])
        self._observer.on_batch(sum(part.count for part in parts), len(parts), time.perf_counter() - began)
        return found

    def _fail(self, job: _Job, error: Exception) -> None:
        """Under the lock: what waits of the job is not run."""
        job.fault = error
        if job.taken < job.count:
            self._queue_of(job).remove(job)
            self._waiting_rows -= job.count - job.taken
            job.taken = job.count

    def _end_if_done(self, job: _Job) -> None:
        """Under the lock."""
        if job.taken == job.count and not job.running and not job.ended:
            job.ended = True
            if not job.leads:
                job.turn.release()


def _goes_with(parts: list[_Part], new: _Part) -> bool:
    """Whether rows may join a batch: those of the same signature, and not much wider or narrower."""
    if new.job.model is not parts[0].job.model or not new.job.model.joins:
        return False
    every = [*parts, new]
    count = sum(part.count for part in every)
    padded = count * sum(max(sizes) for sizes in zip(*(part.widths for part in every), strict=True))
    real = sum(part.count * sum(part.widths) for part in every)
    return bool(2 * padded <= 3 * real + 2 * count * _FREE_COLUMNS)
