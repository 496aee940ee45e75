"""Calls that no thread waits for: who is told of their end, and when."""

import queue
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import pytest

from serving import observe
from serving.batching import Batcher
from serving.calls import Call
from serving.errors import RequestFault
from serving.jobs import Job, Told
from serving.limits import Limits
from tests.serving.stand_in import Counter, Model, Table, expected, request


class Ends:
    """Keeps what is told, a list of names a time."""

    def __init__(self) -> None:
        self.told: queue.Queue[list[str]] = queue.Queue()

    def post(self, names: list[str]) -> None:
        self.told.put(names)

    def of(self, name: str) -> Told:
        return Told(self.post, name)

    def next(self) -> list[str]:
        return self.told.get(timeout=60)


@pytest.fixture
def ends() -> Ends:
    return Ends()


def answered(job: Job, asked: Any) -> bool:
    return bool(job.ended and job.answer()["item_ids"].tolist() == expected(asked)["item_ids"].tolist())


def test_those_of_one_run_are_told_at_once_and_each_has_its_own(ends: Ends) -> None:
    model, counter = Model(), Counter()
    batcher = Batcher(Limits(), counter)
    first = batcher.submit(model, request(["first"]), 1, Call(), ends.of("first"))
    assert model.begun.acquire(timeout=60)
    asked = [request(["a"], ["b"]), request(["c"], k=[1]), request([])]
    jobs = [batcher.submit(model, each, each.count, Call(), ends.of(str(at))) for at, each in enumerate(asked)]
    model.may_end.release(2)
    assert (ends.next(), ends.next()) == (["first"], ["0", "1", "2"])
    assert answered(first, request(["first"]))
    assert all(answered(job, each) for job, each in zip(jobs, asked, strict=True))
    assert counter.batches == [(1, 1), (4, 3)]
    assert counter.depths[-1] == 0


def test_who_left_or_is_too_late_is_told_without_a_run(ends: Ends) -> None:
    model, counter = Model(), Counter()
    batcher = Batcher(Limits(), counter)
    batcher.submit(model, request(["first"]), 1, Call(), ends.of("first"))
    assert model.begun.acquire(timeout=60)
    call = Call(60)
    gone = batcher.submit(model, request(["gone"]), 1, call, ends.of("gone"))
    late = batcher.submit(model, request(["late"]), 1, Call(0.0), ends.of("late"))
    call.leave()
    model.may_end.release(9)
    assert (ends.next(), ends.next()) == (["first"], ["gone", "late"])
    for job, code in ((gone, "CANCELLED"), (late, "DEADLINE_EXCEEDED")):
        with pytest.raises(RequestFault) as caught:
            job.answer()
        assert caught.value.code == code
    assert (model.runs, counter.refused) == ([[[b"first"]]], [observe.CANCELLED, observe.DEADLINE])


def test_a_fault_is_that_of_its_caller_alone(ends: Ends) -> None:
    model = Model(free=True)
    batcher = Batcher(Limits())
    bad = batcher.submit(model, request(["bad"]), 1, Call(), ends.of("bad"))
    assert ends.next() == ["bad"]
    with pytest.raises(RequestFault, match="bad among 1"):
        bad.answer()
    good = batcher.submit(model, request(["a"]), 1, Call(), ends.of("good"))
    assert ends.next() == ["good"]
    assert answered(good, request(["a"]))


def test_a_full_queue_refuses_and_tells_nobody(ends: Ends) -> None:
    model = Model()
    batcher = Batcher(Limits(max_waiting_rows=1))
    batcher.submit(model, request(["first"]), 1, Call(), ends.of("first"))
    assert model.begun.acquire(timeout=60)
    batcher.submit(model, request(["waits"]), 1, Call(), ends.of("waits"))
    with pytest.raises(RequestFault, match="lets 1 wait"):
        batcher.submit(model, request(["full"]), 1, Call(), ends.of("full"))
    model.may_end.release(9)
    assert (ends.next(), ends.next()) == (["first"], ["waits"])


@pytest.fixture
def threads() -> Iterator[futures.ThreadPoolExecutor]:
    with futures.ThreadPoolExecutor(4) as pool:
        yield pool


def test_calls_with_and_without_a_thread_share_the_runs(ends: Ends, threads: futures.ThreadPoolExecutor) -> None:
    at = Table(threads)
    first = at.occupy()
    job = at.batcher.submit(at.model, request(["told"]), 1, Call(), ends.of("told"))
    waits = at.ask(request(["waits"]))
    at.release(9)
    assert first.result(60)["count"].tolist() == [1]
    assert ends.next() == ["told"]
    assert answered(job, request(["told"]))
    assert waits.result(60)["count"].tolist() == [1]
    assert at.names() == [[b"first"], [b"told", b"waits"]]
