"""Which calls become one run of the model, in which order, and what each gets of it, with a stand-in for the model."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from serving import calls, observe, rows
from serving.batching import Batcher
from serving.calls import Call
from serving.errors import RequestFault
from serving.limits import Limits
from tests.serving.stand_in import Counter, Model, Table, expected, request


@pytest.fixture
def table() -> Iterator[Callable[..., Table]]:
    with futures.ThreadPoolExecutor(16) as threads:
        yield lambda **limits: Table(threads, **limits)


def check(future: "futures.Future[Any]", asked: rows.Rows) -> None:
    found, wanted = future.result(60), expected(asked)
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in wanted.items()
    }
    assert {name: array.shape for name, array in found.items()} == {name: array.shape for name, array in wanted.items()}


def test_what_waits_together_runs_together_and_each_gets_its_own(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    asked = [request(["a", "b"]), request(["c"], [], k=[1, 4]), request(["d"], k=[0]), request(["e"], k=[50])]
    answers = [at.ask(each) for each in asked]
    at.release(2)
    check(first, request(["first"]))
    for future, each in zip(answers, asked, strict=True):
        check(future, each)
    assert at.model.runs == [[[b"first"]], [[b"a", b"b"], [b"c"], [], [b"d"], [b"e"]]]
    assert at.counter.batches == [(1, 1), (5, 4)]
    assert at.counter.depths[:6] == [1, 0, 1, 3, 4, 5]


@pytest.mark.parametrize(("waiting", "waits"), [(1, False), (3, False), (4, True)])
def test_few_calls_are_not_kept_waiting_for_others(table: Callable[..., Table], waiting: int, waits: bool) -> None:
    at = table()
    seen: list[int] = []
    at.batcher._let_in = lambda: seen.append(at.batcher._waiting_rows)  # type: ignore[method-assign]
    first = at.occupy()
    answers = [at.ask(request([str(place)])) for place in range(waiting)]
    at.release(2)
    for future in (first, *answers):
        future.result(60)
    assert ([waiting] if waits else []) == seen


def test_small_calls_and_parts_of_large_ones_take_turns(table: Callable[..., Table]) -> None:
    at = table(batch_rows=2)
    large = request(*([str(row)] for row in range(7)), k=[1, 2, 3, 4, 5, 6, 7])
    first = at.ask(large)
    assert at.model.begun.acquire(timeout=60)
    other = request(*([letter] for letter in "ABC"))
    second = at.ask(other)
    small = [request([letter]) for letter in "vwxyz"]
    answers = [at.ask(each) for each in small]
    at.release(20)
    for future, each in zip([first, second, *answers], [large, other, *small], strict=True):
        check(future, each)
    assert at.names() == [
        [b"0", b"1"], [b"v", b"w"], [b"2", b"3"], [b"x", b"y"], [b"A", b"B"], [b"z"], [b"4", b"5"], [b"C"], [b"6"]
    ]  # fmt: skip


def test_a_small_call_that_does_not_fit_any_more_is_not_cut(table: Callable[..., Table]) -> None:
    at = table(batch_rows=3)
    first = at.occupy()
    answers = [at.ask(request(["a"], ["b"])), at.ask(request(["c"], ["d"])), at.ask(request(["e"]))]
    at.release(10)
    for future in (first, *answers):
        future.result(60)
    assert at.names() == [[b"first"], [b"a", b"b", b"e"], [b"c", b"d"]]


def test_beyond_the_rows_that_may_wait_a_call_is_refused_at_once(table: Callable[..., Table]) -> None:
    at = table(max_waiting_rows=3)
    first = at.occupy()
    waits = at.ask(request(["a"], ["b"]))
    refused = at.ask(request(["c"], ["d"]))
    with pytest.raises(RequestFault, match=r"2 rows wait .* lets 3 wait \(`--max-waiting-rows`\)") as caught:
        refused.result(60)
    assert (caught.value.code, at.counter.refused) == ("RESOURCE_EXHAUSTED", [observe.QUEUE_FULL])
    fits = at.ask(request(["e"]))
    at.release(10)
    for future in (first, waits, fits):
        future.result(60)
    assert at.names() == [[b"first"], [b"a", b"b", b"e"]]
    # What is larger than the queue runs where nothing waits.
    check(at.ask(request(["a"], ["b"], ["c"], ["d"])), request(["a"], ["b"], ["c"], ["d"]))


def test_a_call_whose_deadline_comes_before_its_turn_is_refused_at_once(table: Callable[..., Table]) -> None:
    at = table(batch_rows=2)
    first = at.occupy()
    for _ in range(40):
        at.batcher._pace.ran(2000.0)
    waits = [at.ask(request([letter]), Call(3000.0)) for letter in "abc"]
    # One batch, of a and b, runs before it.
    with pytest.raises(
        RequestFault, match=r"before this call takes the model (1,99|2,00)[0-9],[0-9]{3} ms, and its deadline"
    ) as caught:
        at.ask(request(["late"]), Call(1000.0)).result(60)
    assert (caught.value.code, at.counter.refused) == ("RESOURCE_EXHAUSTED", [observe.NO_TIME])
    # One whose time is over is told so.
    with pytest.raises(RequestFault, match="The deadline passed") as caught:
        at.ask(request(["over"]), Call(0.0)).result(60)
    at.counter.refused.clear()
    # Who has time waits, as does who has for ever.
    waits += [at.ask(request(["d"]), Call(60_000.0)), at.ask(request(["e"]))]
    at.release(10)
    for future in (first, *waits):
        future.result(60)
    assert at.names() == [[b"first"], [b"a", b"b"], [b"c", b"d"], [b"e"]]


def test_where_no_batch_runs_before_it_no_call_is_refused_for_its_time(table: Callable[..., Table]) -> None:
    at = table(batch_rows=2)
    at.batcher._pace.ran(1000.0)
    at.release(10)
    check(at.ask(request(["a"]), Call(5.0)), request(["a"]))


def test_a_call_whose_deadline_passes_while_it_waits_costs_the_model_nothing(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    late = at.ask(request(["late"]), Call(0.5))
    with pytest.raises(RequestFault, match="The deadline passed while the call waited") as caught:
        late.result(60)
    assert (caught.value.code, at.counter.refused) == ("DEADLINE_EXCEEDED", [observe.DEADLINE])
    after = at.ask(request(["after"]))
    at.release(10)
    first.result(60)
    after.result(60)
    assert at.names() == [[b"first"], [b"after"]]
    assert at.counter.depths[-1] == 0


def test_a_call_that_comes_after_its_deadline_does_not_run(table: Callable[..., Table]) -> None:
    at = table()
    with pytest.raises(RequestFault, match="deadline"):
        at.batcher.run(at.model, request(["late"]), 1, Call(0.0))
    assert at.model.runs == []
    at.release()
    assert at.batcher.run(at.model, request(["next"]), 1, Call())["count"].tolist() == [1]


def test_a_cancelled_call_is_left_out(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    there = threading.Event()
    there.set()
    gone = at.ask(request(["gone"]), Call(None, there.is_set))
    stays = at.ask(request(["stays"]))
    there.clear()
    at.release(10)
    with pytest.raises(RequestFault, match="cancelled") as caught:
        gone.result(60)
    assert (caught.value.code, at.counter.refused) == ("CANCELLED", [observe.CANCELLED])
    check(stays, request(["stays"]))
    first.result(60)
    assert at.names() == [[b"first"], [b"stays"]]


def test_a_large_call_that_is_given_up_stops_at_the_part_that_runs(
    table: Callable[..., Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = table(batch_rows=1)
    large = at.ask(request(["0"], ["1"], ["2"]), Call(1000.0))
    assert at.model.begun.acquire(timeout=60)
    # The clock is set forward, so that it is the part that runs which takes the time, however slow the machine is.
    monkeypatch.setattr(calls, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 2000.0))
    at.release(10)
    with pytest.raises(RequestFault, match="deadline"):
        large.result(60)
    assert at.names() == [[b"0"]]


def test_one_callers_fault_is_not_that_of_the_others(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    good, bad = at.ask(request(["a"], ["b"])), at.ask(request(["bad"]))
    at.release(10)
    check(good, request(["a"], ["b"]))
    with pytest.raises(RequestFault, match="bad among 1"):
        bad.result(60)
    first.result(60)
    assert at.names() == [[b"first"], [b"a", b"b", b"bad"], [b"a", b"b"], [b"bad"]]


def test_a_fault_in_one_part_ends_a_large_call(table: Callable[..., Table]) -> None:
    at = table(batch_rows=1)
    at.release(10)
    with pytest.raises(RequestFault, match="bad among 1"):
        at.batcher.run(at.model, request(["0"], ["bad"], ["2"]), 3, Call())
    assert at.names() == [[b"0"], [b"bad"]]
    assert at.counter.depths == [3, 2, 1, 0], "what does not run any more waits no longer either"
    check(at.ask(request(["next"])), request(["next"]))


def test_a_wide_row_does_not_pad_narrow_ones(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    narrow = [request([str(place)]) for place in range(3)]
    wide = request([f"wide-{place}" for place in range(3000)])
    answers = [at.ask(narrow[0]), at.ask(wide), at.ask(narrow[1]), at.ask(narrow[2])]
    at.release(10)
    for future, asked in zip(answers, [narrow[0], wide, narrow[1], narrow[2]], strict=True):
        check(future, asked)
    first.result(60)
    assert at.names() == [[b"first"], [b"0", b"1", b"2"], [b"wide-0"]]


def test_a_large_k_does_not_widen_the_answers_to_others(table: Callable[..., Table]) -> None:
    at = table()
    first = at.occupy()
    many, few = at.ask(request(["many"], k=[5000])), [at.ask(request([str(place)])) for place in range(2)]
    at.release(10)
    for future in (first, many, *few):
        future.result(60)
    assert at.names() == [[b"first"], [b"many"], [b"0", b"1"]]


def test_signatures_are_not_mixed_and_one_that_joins_nothing_runs_alone(table: Callable[..., Table]) -> None:
    class Other(Model):
        joins = False

        def run(self, parts: Sequence[Any]) -> list[rows.Arrays]:
            (whole,) = parts
            return super().run([whole])

    at = table()
    other = Other(free=True)
    first = at.occupy()
    answers = [at.ask(request([name]), model=model) for name, model in [("a", None), ("x", other), ("y", other)]]
    answers.append(at.ask(request(["b"])))
    at.release(10)
    for future in (first, *answers):
        future.result(60)
    assert (at.names(), other.runs) == ([[b"first"], [b"a", b"b"]], [[[b"x"]], [[b"y"]]])


@pytest.mark.parametrize("runs", [1, 3])
def test_many_threads_each_get_their_own(runs: int) -> None:
    """Sizes and widths by chance; some calls are given up, some are bad."""
    model, counter = Model(free=True), Counter()
    batcher = Batcher(Limits(batch_rows=4, model_runs=runs), counter)

    def ask(seed: int) -> str:
        random = np.random.default_rng(seed)
        for number in range(40):
            count = int(random.integers(1, 10))
            histories = [[f"{seed}-{number}-{row}"] * int(random.integers(0, 4)) for row in range(count)]
            kind = random.choice(["good", "bad", "late"], p=[0.8, 0.1, 0.1])
            if kind == "bad":
                histories[int(random.integers(count))] = ["bad"]
            asked = request(*histories, k=random.integers(-1, 9, count).tolist())
            call = Call(0.0) if kind == "late" else Call(60)
            if kind != "good":
                with pytest.raises(RequestFault) as caught:
                    batcher.run(model, asked, count, call)
                assert caught.value.code == {"bad": "INVALID_ARGUMENT", "late": "DEADLINE_EXCEEDED"}[kind]
                continue
            found = batcher.run(model, asked, count, call)
            assert found["item_ids"].tolist() == expected(asked)["item_ids"].tolist()
            assert found["item_ids"].shape == expected(asked)["item_ids"].shape
        return "done"

    with futures.ThreadPoolExecutor(12) as threads:
        assert list(threads.map(ask, range(12))) == ["done"] * 12
    assert max(rows for rows, _ in counter.batches) <= 4
    assert max(calls for _, calls in counter.batches) > 1
    assert counter.depths[-1] == 0
