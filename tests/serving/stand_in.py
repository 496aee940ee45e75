"""A model of rows that answers when it is let, and a batcher whose every step a test decides."""

import threading
import time
from collections.abc import Sequence
from concurrent import futures
from typing import Any

import numpy as np

from serving import errors, observe, rows
from serving.batching import Batcher
from serving.calls import Call
from serving.errors import RequestFault
from serving.limits import Limits
from tests.serving.conftest import wait_until

FORM = rows.Form(ragged=("ids",), single=("k",), widths=("item_ids",), joins=True)
N = 6


def request(*histories: Sequence[str], k: Sequence[int] | None = None) -> rows.Rows:
    count = len(histories)
    ids = [[item_id.encode() for item_id in history] for history in histories]
    return rows.Rows(count, {"ids": ids}, {"k": np.array(k or [3] * count, np.int32)})


def expected(asked: rows.Rows) -> dict[str, Any]:
    """The answer to a request alone: the ids of a row repeated up to k, and how many they are."""
    width = min(max(asked.single["k"].max(initial=0), 0), N)
    table = np.full((asked.count, width), b"", dtype=object)
    for place, (ids, k) in enumerate(zip(asked.ragged["ids"], asked.single["k"], strict=True)):
        for column in range(min(max(k, 0), width)):
            table[place, column] = ids[column % len(ids)] if ids else b"popular"
    return {"item_ids": table, "count": np.array([len(ids) for ids in asked.ragged["ids"]], np.int32)}


class Model:
    """Answers when it is let, and keeps what it was asked, a list of ids a run."""

    joins = True

    def __init__(self, *, free: bool = False) -> None:
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(10**6 if free else 0)
        self.runs: list[list[list[bytes]]] = []

    def run(self, parts: Sequence[Any]) -> list[rows.Arrays]:
        arrays = rows.join(parts)
        asked = [[item_id for item_id in row if item_id] for row in arrays["ids"].tolist()]
        self.runs.append(asked)
        self.begun.release()
        assert self.may_end.acquire(timeout=60)
        # Others come meanwhile, as while TensorFlow ranks.
        time.sleep(0.0005)
        if [b"bad"] in asked:
            raise RequestFault(errors.INVALID_ARGUMENT, f"bad among {len(asked)}")
        whole = rows.Rows(len(asked), {"ids": asked}, {"k": arrays["k"]})
        return rows.cut(expected(whole), parts, FORM)


class Counter(observe.NoObserver):
    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []
        self.refused: list[str] = []
        self.depths: list[int] = []

    def on_batch(self, rows: int, calls: int, seconds: float) -> None:
        assert seconds >= 0
        self.batches.append((rows, calls))

    def on_refused(self, reason: str) -> None:
        self.refused.append(reason)

    def queue_depth(self, rows: int) -> None:
        self.depths.append(rows)


class Table:
    """A batcher, its model and threads that ask it."""

    def __init__(self, threads: futures.ThreadPoolExecutor, **limits: int) -> None:
        self.model, self.counter = Model(), Counter()
        self.batcher = Batcher(Limits(**limits), self.counter)
        self._threads = threads

    def ask(self, asked: rows.Rows, call: Call | None = None, model: Any = None) -> "futures.Future[Any]":
        """Asks in a thread, and comes back once the request is in the queue or runs."""
        seen = len(self.counter.depths) + len(self.counter.refused)
        future = self._threads.submit(self.batcher.run, model or self.model, asked, asked.count, call or Call())
        wait_until(lambda: len(self.counter.depths) + len(self.counter.refused) > seen)
        return future

    def occupy(self) -> "futures.Future[Any]":
        """A call that runs, so that what comes next waits."""
        future = self.ask(request(["first"]))
        assert self.model.begun.acquire(timeout=60)
        return future

    def release(self, runs: int = 1) -> None:
        for _ in range(runs):
            self.model.may_end.release()

    def names(self) -> list[list[bytes]]:
        """The first id of each row, a list a run."""
        return [[row[0] if row else b"" for row in run] for run in self.model.runs]
