"""What is chosen now, by everyone: the prior, the loss that it shifts, and the ranking."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, pad
from pnfrec_keras.examples.histories import pad_as
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from pnfrec_keras.ranking import trend
from pnfrec_keras.ranking.trend import Trend, trend_of
from tests.pnfrec_keras import spec_reference as spec
from tests.pnfrec_keras.network import test_exact, test_variants
from tests.pnfrec_keras.network.test_exact import (
    BLOCKS,
    HEADS,
    ITEMS,
    KEPT_NEGATIVE,
    KEPT_POSITIVE,
    LENGTH,
    assert_close,
)

WINDOW = 7.0


# Times of `test_exact.POSITIVE` and `NEGATIVE`, in days; each sequence rises, users overlap. The steps are half days.
WHEN: dict[str, list[list[float]]] = {
    "positive": [[1, 2, 3.25, 4, 9.5, 20], [2, 3, 3.5], [8], [], [12, 12.75], [5, 6, 7, 8, 9]],
    "negative": [[1, 2, 3, 4, 5], [0.5], [2, 4, 6.25], [7, 19], [], [3, 11]],
}


def naive(
    items: list[list[int]], when: list[list[float]], num_items: int, until: float, *, closed: bool
) -> list[float]:
    """b of each item from its definition, for the window of `WINDOW` days before `until`, or up to it."""
    events = [(day, item) for row, days in zip(items, when, strict=True) for item, day in zip(row, days, strict=True)]
    if closed:  # the last choice counts too
        recent = [item for day, item in events if until - WINDOW < day <= until]
    else:
        recent = [item for day, item in events if until - WINDOW <= day < until]
    every = [item for day, item in events if day < until or (closed and day == until)]
    more = 100 + 0.25 * len(recent)
    whole = sum(every.count(item) + 0.5 for item in range(1, num_items + 1))
    return [
        math.log((recent.count(item) + more * (every.count(item) + 0.5) / whole) / (len(recent) + more))
        for item in range(1, num_items + 1)
    ]


def kept(name: str) -> tuple[list[list[int]], list[list[float]]]:
    rows = test_exact.POSITIVE if name == "positive" else test_exact.NEGATIVE
    return [row[-LENGTH - 1 :] for row in rows], [row[-LENGTH - 1 :] for row in WHEN[name]]


def arrays() -> TrainingArrays:
    padded = {name: pad_as(np.float32, rows, LENGTH + 1) for name, rows in WHEN.items()}
    return TrainingArrays(pad(test_exact.POSITIVE, LENGTH + 1), pad(test_exact.NEGATIVE, LENGTH + 1), days=padded)


def trends() -> dict[str, Trend]:
    data = arrays()
    return {name: trend_of(getattr(data, name), data.days[name], ITEMS, WINDOW) for name in WHEN}  # type: ignore[index]


def batch() -> tuple[Any, Any]:
    """What `fit` makes of `arrays`."""
    data = arrays()
    periods = {name: trends()[name].periods(data.days[name]) for name in WHEN}  # type: ignore[index]
    return dataclasses.replace(data, periods=periods).inputs_and_labels()


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_each_period_knows_what_was_chosen_before_it(name: str) -> None:
    found = trends()[name]
    items, when = kept(name)
    days = [day for row in when for day in row]
    np.testing.assert_allclose(found.begins, np.arange(min(days), max(days) + 0.01, WINDOW / 14))
    for begin, row in zip(found.begins, found.table, strict=True):
        np.testing.assert_allclose(row[1:], naive(items, when, ITEMS, begin, closed=False), rtol=1e-5)
    np.testing.assert_allclose(found.latest[1:], naive(items, when, ITEMS, max(days), closed=True), rtol=1e-5)
    assert np.exp(found.table[:, 1:]).sum(axis=1) == pytest.approx(1, rel=1e-5), "it is a distribution"
    assert not found.table[:, 0].any()
    assert found.latest[0] == 0


def test_what_comes_later_takes_no_part() -> None:
    """Nor do other times of it, nor how much it is."""
    items = np.array([[1, 2, 1, 3, 3, 2]], np.int32)
    short = trend_of(items[:, :3], np.array([[0, 1, 2]], np.float32), 3, WINDOW)
    long = trend_of(items, np.array([[0, 1, 2, 40, 41, 42]], np.float32), 3, WINDOW)
    np.testing.assert_array_equal(long.table[: len(short.table)], short.table)
    np.testing.assert_allclose(short.latest[1:], naive([[1, 2, 1]], [[0, 1, 2]], 3, 2, closed=True), rtol=1e-5)


def test_a_time_belongs_to_the_last_period_that_has_begun() -> None:
    found = trends()["positive"]
    times = np.array([[found.begins[0] - 5, found.begins[0]], [found.begins[7], 1e5]], np.float32)
    assert found.periods(times).tolist() == [[0, 0], [7, len(found.begins) - 1]]
    assert found.periods(np.nextafter(found.begins[7:8].astype(np.float32), np.float32(0))).tolist() == [6]
    assert found.periods(times).dtype == np.int32


def test_the_end_of_training_is_that_of_all_sequences() -> None:
    """A polarity whose last choice was long ago has an empty window, not an old one."""
    data = arrays()
    found = trend_of(data.negative, data.days["negative"], ITEMS, WINDOW, end=40.0)  # type: ignore[index]
    items, when = kept("negative")
    np.testing.assert_allclose(found.latest[1:], naive(items, when, ITEMS, 40.0, closed=True), rtol=1e-5)
    assert abs(found.latest - trends()["negative"].latest).max() > 0.01


def test_periods_grow_where_the_table_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trend, "_MOST", 10 * (ITEMS + 1))
    found = trends()["positive"]
    np.testing.assert_allclose(np.diff(found.begins), 18 / 10)
    items, when = kept("positive")
    np.testing.assert_allclose(found.table[3, 1:], naive(items, when, ITEMS, found.begins[3], closed=False), rtol=1e-5)
    monkeypatch.setattr(trend, "_MOST", 5 * (ITEMS + 1))
    with pytest.raises(ValueError, match=r"\(7\) is too short for 7 items over 18 days: .* Set it to 8 or more"):
        trends()


def test_nothing_has_no_trend() -> None:
    found = trend_of(np.zeros((2, 3), np.int32), np.zeros((2, 3), np.float32), 4, WINDOW)
    np.testing.assert_allclose(found.table, [[0, *[-math.log(4)] * 4]], rtol=1e-6)
    np.testing.assert_array_equal(found.latest, found.table[0])
    with pytest.raises(ValueError, match="finite"):
        trend_of(np.ones((1, 1), np.int32), np.full((1, 1), np.nan, np.float32), 4, WINDOW)


def filled(**settings: Any) -> tuple[PNFRec, dict[str, Any]]:
    model, weights = test_exact.filled(trend_days=WINDOW, **settings)
    model.set_trend(trends())
    return model, {**weights, **{name: value for name, value in get_named_weights(model).items() if "trend" in name}}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_losses_and_the_gradient_of_the_item_embedding(jit_compile: bool) -> None:
    """The spec's network and loss; each label's logits are shifted by what was chosen before its half day."""
    alpha, beta = 0.45, 0.25
    model, weights = filled(alpha=alpha, beta=beta)
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile)

    def mean_entropy(name: str, weights: Any) -> Any:
        items, when = kept(name)
        start = min(day for row in when for day in row)
        terms = []
        for row, days in zip(items, when, strict=True):
            begins = [start + 0.5 * ((day - start) // 0.5) for day in days[1:]]
            offsets = [naive(items, when, ITEMS, begin, closed=False) for begin in begins]
            terms += spec.cross_entropies(row, weights, f"{name}_encoder", BLOCKS, HEADS, offsets)
        return sum(terms) / len(terms)

    def parts(weights: Any) -> dict[str, Any]:
        plain = spec.loss_parts(KEPT_POSITIVE, KEPT_NEGATIVE, weights, blocks=BLOCKS, heads=HEADS)
        shifted = {name: mean_entropy(name, weights) for name in WHEN}
        assert abs(shifted["positive"] - plain["positive"]) > 0.01, "the shift is felt"
        return {**plain, **shifted}

    def total(weights: Any) -> Any:
        found = parts(weights)
        return found["positive"] + alpha * found["negative"] + beta * found["contrastive"]

    logs = model.train_on_batch(*batch(), return_dict=True)
    for name, expected in parts(weights).items():
        assert float(logs[f"loss_{name}"]) == pytest.approx(expected, rel=1e-5)
    assert float(logs["loss"]) == pytest.approx(total(weights), rel=1e-5)
    expected = spec.gradient(total, weights, "item_embedding")
    expected[0] = 0  # the padding row has no gradient
    moved = get_named_weights(model)
    assert_close(weights["item_embedding"] - moved["item_embedding"], expected)
    np.testing.assert_array_equal(moved["positive_trend"], weights["positive_trend"], "it does not learn")


def test_scores_are_shifted_by_what_is_chosen_at_the_end() -> None:
    model, weights = filled()
    plain, _ = test_exact.filled()
    history = pad([[1, 2, 3], []], LENGTH)
    for negative, name in ((False, "positive"), (True, "negative")):
        state = plain.encode_history(history, negative=negative)
        expected = np.array(plain.state_scores(state)) + weights[f"{name}_trend"]
        np.testing.assert_allclose(np.array(model.state_scores(state, negative=negative)), expected, rtol=1e-6)
        np.testing.assert_array_equal(weights[f"{name}_trend"], trends()[name].latest)
    # What nobody knows anything of is ranked by it alone, in validation as in numpy.
    examples = EvaluationArrays(
        np.zeros((7, LENGTH), np.int32),
        [np.zeros(0, np.int32)] * 7,
        np.arange(1, 8, dtype=np.int32),
        np.ones(7, np.int32),
    )
    order = np.argsort(-weights["positive_trend"][1:], kind="stable") + 1
    ranks = evaluate.rank_all(evaluate.of_model(model, np.zeros(ITEMS + 1)), examples).rank
    assert [int(target) for _, target in sorted(zip(ranks, examples.target, strict=True))] == order.tolist()
    found = np.array(model.rank(examples.positive, np.zeros((7, 0), np.int32), examples.target))
    np.testing.assert_array_equal(found, ranks)


def test_the_trend_is_among_the_named_weights_and_the_settings() -> None:
    model, weights = filled()
    other = PNFRec.from_config(model.get_config())
    assert other.get_config() == model.get_config()
    set_named_weights(other, weights)
    assert get_named_weights(other)["negative_trend"] == pytest.approx(weights["negative_trend"])
    history = pad([[1, 2, 3]], LENGTH)
    np.testing.assert_array_equal(np.array(other.scores(history)), np.array(model.scores(history)))
    assert not [name for name in get_named_weights(test_exact.filled()[0]) if "trend" in name]


def test_a_mixed_history_has_one_trend() -> None:
    days = np.array([[1, 1, 9, 9, 20, 0, 0, 0, 0]], np.float32)
    model = PNFRec(9, max_length=4, dim=8, dropout=0.0, variant="SASRec", trend_days=WINDOW)
    found = trend_of(test_variants.ARRAYS.mixed, days, 9, WINDOW)  # type: ignore[arg-type]
    mixed = dataclasses.replace(test_variants.ARRAYS, periods={"mixed": found.periods(days)})
    model.set_trend({"mixed": found})
    model.compile("adam")
    x, y = mixed.inputs_and_labels()
    loss = float(model.test_on_batch(x, y, return_dict=True)["loss_mixed"])
    table = model.item_embedding.embeddings.numpy()[1:]
    states = model({"mixed": x["mixed"]})["mixed"].numpy()[0]
    logits = [table @ states[t] + found.table[int((day - 1) / 0.5), 1:] for t, day in enumerate([1, 9, 9, 20])]
    expected = [spec.log_sum_exp(row) - row[label - 1] for row, label in zip(logits, y["mixed"][0], strict=False)]
    assert loss == pytest.approx(np.mean(expected), rel=1e-5)
