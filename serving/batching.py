"""Calls that wait together are one call of the model.

A call that finds the model free runs at once; what arrives meanwhile waits, and is taken together when the model is
free again, or a little later while more keeps coming. Small calls are taken in their order, at most `batch_rows` rows
at a time. A call of more rows than that is cut: batches of small calls and parts of large ones take turns, as large
calls do among each other, so that a small call never waits for more than one part.

The model runs in the thread of one of those that wait for it (`run`), or in a thread of the batcher where none does
(`submit`).
"""

import collections
import threading
import time
from concurrent import futures
from typing import Any, Final

from serving import calls, observe, rows
from serving.errors import RequestFault
from serving.jobs import Batch, Job, Model, Part, Told
from serving.limits import Limits
from serving.pace import Pace

RESOURCE_EXHAUSTED: Final = "RESOURCE_EXHAUSTED"
# What goes on with the queue waits no longer for more calls once none has come for this part of the time that it may
# wait, or for so many seconds.
_PART: Final = 0.5
_LEAST_SECONDS: Final = 0.0005
# For fewer rows than these, to be ranked soon counts for more than what a larger batch saves.
_FEW: Final = 4


class Batcher:
    """Runs the model for calls of many threads.

    Args:
        limits: `batch_rows`, `max_waiting_rows` and `model_runs` of it.
        observer: Is told of every run and refusal, of what waits under the lock.
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
        self._small: collections.deque[Job] = collections.deque()
        self._large: collections.deque[Job] = collections.deque()
        self._turn_of_large = False
        self._waiting_rows = 0
        self._leaders = 0
        self._pace = Pace()
        self._busy = False  # calls came while others ran
        self._threads = futures.ThreadPoolExecutor(limits.model_runs, "pnfrec-model")  # for calls without one

    def run(self, model: Model, request: Any, count: int, call: calls.Call) -> rows.Arrays:
        """The answer to a request of `count` rows, as if it had been asked alone.

        Raises:
            RequestFault: RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED or CANCELLED without a run, or what the model says.
            Exception: What the model raises.
        """
        job = self._enter(Job(model, request, max(count, 1), call))
        while not job.ended:
            if job.leads:
                self._lead(job)
            else:
                self._wait(job)
        return job.answer()

    def submit(self, model: Model, request: Any, count: int, call: calls.Call, told: Told) -> Job:
        """As `run`, without a thread that waits: `told` learns of the end, and the job then has the answer.

        A call whose deadline passes, or that is cancelled, ends when its turn comes.

        Raises:
            RequestFault: RESOURCE_EXHAUSTED; then nobody is told.
        """
        job = self._enter(Job(model, request, max(count, 1), call, told))
        if job.leads:
            self._threads.submit(self._lead, None)
        return job

    def _enter(self, job: Job) -> Job:
        """Into the queue, and in the lead where the model is free."""
        with self._lock:
            depth = self._waiting_rows
            # What is larger than the whole queue may still run where nothing waits.
            full = depth > 0 and depth + job.count > self._limits.max_waiting_rows
            late = self._too_late(job)
            if not full and not late:
                self._queue_of(job).append(job)
                self._waiting_rows += job.count
                job.leads = self._leaders < self._limits.model_runs
                self._leaders += job.leads
                self._busy = self._busy or not job.leads
                self._observer.queue_depth(self._waiting_rows)
        if full:
            self._observer.on_refused(observe.QUEUE_FULL)
            msg = f"{depth} rows wait for the model; this server lets {self._limits.max_waiting_rows} wait "
            msg += "(`--max-waiting-rows`). Ask again a little later."
            raise RequestFault(RESOURCE_EXHAUSTED, msg)
        if late:
            self._observer.on_refused(observe.NO_TIME)
            msg = f"What waits before this call takes the model {1000 * late:,.0f} ms, and its deadline comes sooner."
            raise RequestFault(RESOURCE_EXHAUSTED, msg)
        return job

    def _too_late(self, job: Job) -> float:
        """Under the lock: seconds that the batches before a small call take, where it has less; else 0."""
        most = self._limits.batch_rows
        if self._waiting_rows < most or job.count > most:
            return 0.0
        batches = sum(other.count for other in self._small) // most
        return self._pace.too_late(job.call.remaining(), batches / self._limits.model_runs)

    def _wait(self, job: Job) -> None:
        """Until the job has ended, or is to lead."""
        seconds = job.call.remaining()
        if job.turn.acquire(timeout=-1 if seconds is None else seconds):
            return
        with self._lock:
            if not (job.ended or job.leads or job.running):
                self._queue_of(job).remove(job)
                self._give_up(job, observe.DEADLINE)
        # Another thread has woken this one just now, or runs rows of it, which may need what the caller has lent.
        job.turn.acquire()

    def _lead(self, job: Job | None) -> None:
        """Runs what waits until the job of this thread has ended, if it has one; then another thread does."""
        while True:
            over = job is not None and job.ended
            if self._busy and self._waiting_rows >= _FEW and not over:
                # What others have in hand already may come into the queue before it is looked at.
                self._let_in()
            given_up: list[Job] = []
            with self._lock:
                parts = [] if over else self._take(given_up)
                if parts:
                    self._observer.queue_depth(self._waiting_rows)
                else:
                    self._hand_over(job)
            self._tell(given_up)
            if not parts:
                return
            self._tell(self._run(parts))

    def _let_in(self) -> None:
        """A run of many rows costs little more than one of few, and who was just answered may ask again."""
        seconds = max(_PART * (most := self._pace.patience), _LEAST_SECONDS)
        end = time.perf_counter() + most
        while time.perf_counter() < end and not self._large:
            before = self._waiting_rows
            if before >= self._limits.batch_rows:
                return
            time.sleep(seconds)
            if self._waiting_rows == before:
                return

    def _hand_over(self, job: Job | None) -> None:
        """Under the lock."""
        if job is not None:
            job.leads = False
        for other in (*self._small, *self._large):
            # One that leads already has rows in the queue too, where the model runs several times at once.
            if not other.leads:
                self._busy = True
                if other.told is not None:
                    self._threads.submit(self._lead, None)
                    return
                other.leads = True
                other.turn.release()
                return
        self._leaders -= 1
        self._busy = False

    def _take(self, given_up: list[Job]) -> list[Part]:
        """Under the lock: the rows that run next. A part of a large call and a batch of small ones take turns."""
        if self._turn_of_large:
            return self._take_part(given_up) or self._take_batch(given_up)
        return self._take_batch(given_up) or self._take_part(given_up)

    def _take_part(self, given_up: list[Job]) -> list[Part]:
        self._turn_of_large = False
        while self._large:
            job = self._large.popleft()
            if reason := job.call.given_up():
                given_up += self._give_up(job, reason)
                continue
            part = self._begin(Part(job, self._limits.batch_rows))
            if job.taken < job.count:
                self._large.append(job)
            return [part]
        return []

    def _take_batch(self, given_up: list[Job]) -> list[Part]:
        """The first of the small calls, and those that go with it."""
        self._turn_of_large = True
        batch: Batch | None = None
        passed: list[Job] = []
        room = self._limits.batch_rows
        while self._small and room > 0:
            job = self._small.popleft()
            if reason := job.call.given_up():
                given_up += self._give_up(job, reason)
                continue
            part = Part(job, job.count)
            if batch is None:
                batch = Batch(part)
            elif part.count > room or not batch.add(part):
                passed.append(job)
                continue
            self._begin(part)
            room = room - part.count if job.model.joins else 0
        self._small.extendleft(reversed(passed))
        return [] if batch is None else batch.parts

    def _begin(self, part: Part) -> Part:
        part.job.taken += part.count
        part.job.running += 1
        self._waiting_rows -= part.count
        return part

    def _queue_of(self, job: Job) -> "collections.deque[Job]":
        return self._large if job.model.joins and job.count > self._limits.batch_rows else self._small

    def _give_up(self, job: Job, reason: str) -> list[Job]:
        """Under the lock, for a job that is no longer in the queue: what waits of it is not run."""
        self._leave(job)
        job.fault = calls.fault_of(reason)
        self._observer.on_refused(reason)
        return self._ended(job)

    def _leave(self, job: Job) -> None:
        """Under the lock: nothing of the job waits any more."""
        self._waiting_rows -= job.count - job.taken
        self._observer.queue_depth(self._waiting_rows)
        job.taken = job.count

    def _run(self, parts: list[Part]) -> list[Job]:
        """Runs parts, and returns the jobs that have ended by it and that no thread waits for."""
        try:
            found: list[Any] = self._timed(parts)
        except Exception as error:
            # One of them spoils it for all: alone, each gets what it deserves.
            found = [error] if len(parts) == 1 else [self._alone(part) for part in parts]
        ended: list[Job] = []
        with self._lock:
            for part, outputs in zip(parts, found, strict=True):
                job = part.job
                job.running -= 1
                if isinstance(outputs, Exception):
                    self._fail(job, outputs)
                else:
                    job.parts[part.start] = outputs
                ended += self._ended(job)
        return ended

    def _alone(self, part: Part) -> Any:
        try:
            return self._timed([part])[0]
        except Exception as error:
            return error

    def _timed(self, parts: list[Part]) -> list[rows.Arrays]:
        began = time.perf_counter()
        found = parts[0].job.model.run([part.request for part in parts])
        seconds = time.perf_counter() - began
        self._pace.ran(seconds)
        self._observer.on_batch(sum(part.count for part in parts), len(parts), seconds)
        return found

    def _fail(self, job: Job, error: Exception) -> None:
        """Under the lock: what waits of the job is not run."""
        job.fault = error
        if job.taken < job.count:
            self._queue_of(job).remove(job)
            self._leave(job)

    def _ended(self, job: Job) -> list[Job]:
        """Under the lock: wakes the thread of a job that has ended; the job itself where none waits."""
        if job.taken != job.count or job.running or job.ended:
            return []
        job.ended = True
        if job.told is None and not job.leads:
            job.turn.release()
        return [] if job.told is None else [job]

    @staticmethod
    def _tell(ended: list[Job]) -> None:
        """Without the lock. Who is told of several is told once."""
        by_post: dict[Any, list[Any]] = {}
        for job in ended:
            if job.told is not None:
                by_post.setdefault(job.told.post, []).append(job.told.token)
        for post, tokens in by_post.items():
            post(tokens)
