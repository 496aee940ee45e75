import dataclasses
import json
import math

import pytest

from components.gate import config
from components.gate.responsiveness import ResponsivenessConfig
from pnfrec_core import lists, measures


def test_the_list_without_dislikes_has_the_same_metrics_but_those_of_the_lists() -> None:
    own = [name.removeprefix("default_") for name in config.DEFAULT_METRICS]
    assert (*own, *lists.LIST_METRICS) == measures.METRICS
    assert [name for name in config.DEFAULT_METRICS if not config.is_default(name)] == []
    assert [name for name in measures.METRICS if config.is_default(name)] == []


def test_only_bounded_metrics_of_the_list_without_dislikes_are_reported() -> None:
    some = config.GateConfig(
        bounds={"default_hr_n": config.BoundConfig(max=0.1), "default_ndcg_p": config.BoundConfig(min=0.1)}
    )
    assert some.judges_default
    assert some.reported == (*measures.METRICS, *config.DEFAULT_METRICS[:6]), "all of hr and of ndcg, and none of mrr"
    none = config.GateConfig(bounds={"hr_n": config.BoundConfig(max=0.1)})
    assert not none.judges_default
    assert none.reported == measures.METRICS


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({}, "needs at least one of `min`, `max` and `max_loss`"),
        ({"min": 0.5, "max": 0.4}, "`min` must not be above `max`. Received: 0.5 and 0.4."),
        ({"max_loss": -0.1}, "`max_loss` must not be negative. Received: -0.1."),
        ({"min": math.nan}, "`min` of a bound must be a finite number. Received: nan."),
        ({"max_loss": math.inf}, "`max_loss` of a bound must be a finite number. Received: inf."),
    ],
)
def test_bound_is_refused(bound: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        config.BoundConfig(**bound)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bounds": {}}, "`gate.bounds` is empty"),
        ({"bounds": {"ndgc_p": config.BoundConfig(min=0.1)}}, "names the unknown metric 'ndgc_p'. Known: hr_p, hr_n"),
        ({"bounds": {"count_p": config.BoundConfig(min=1)}}, "names the unknown metric 'count_p'"),
        ({"bounds": {"default_coverage": config.BoundConfig(min=0.1)}}, "mrr with `default_` before, for the"),
        ({"bounds": {"target_tail": config.BoundConfig(min=0.1)}}, "unknown metric 'target_tail'. Known: hr_p"),
        ({"bounds": {"novelty": config.BoundConfig(min=65)}}, "`gate.bounds.novelty.min` must lie between 0 and 64"),
        ({"bounds": {"default_hr_n": config.BoundConfig(max=15)}}, r"`gate.bounds.default_hr_n.max` must lie between"),
        (
            {"bounds": {"hr_n": config.BoundConfig(max=15)}},
            r"`gate.bounds.hr_n.max` must lie between 0 and 1. Received: 15.",
        ),
        ({"bounds": {"hr_p": config.BoundConfig(min=-0.1)}}, r"`gate.bounds.hr_p.min` must lie between 0 and 1"),
        ({"bounds": {"ndcg_delta": config.BoundConfig(min=-2)}}, r"`gate.bounds.ndcg_delta.min` must lie between -1 a"),
        ({"bounds": {"hr_delta": config.BoundConfig(max_loss=2.5)}}, r"`gate.bounds.hr_delta.max_loss` .* 0 and 2"),
        (
            {"bounds": {"hr_n": config.BoundConfig(min=0.5)}},
            "`gate.bounds.hr_n` has a `min` alone, and a model with a higher hr_n is a worse one, .* Set `max`, if",
        ),
        ({"bounds": {"gini": config.BoundConfig(min=0.5)}}, "`gate.bounds.gini` has a `min` alone"),
        ({"bounds": {"default_ndcg_p": config.BoundConfig(max=0.5)}}, "has a `max` alone, and a model with a lower"),
        (
            {"bounds": {"hr_p": config.BoundConfig(min=0.1)}, "slice_bounds": {"target_popularity_bucket": {}}},
            "`gate.slice_bounds.target_popularity_bucket` is empty: name one of its values, head, middle, tail.",
        ),
        (
            {"bounds": {"hr_p": config.BoundConfig(min=0.1)}, "slice_bounds": {"history_length_bucket": {"0-4": {}}}},
            "`gate.slice_bounds.history_length_bucket.0-4` bounds nothing: name a metric and its bound",
        ),
        ({"bounds": {"hr_p": config.BoundConfig(min=0.1)}, "k": 0}, "`gate.k` must be at least 1. Received: 0."),
        ({"bounds": {"hr_p": config.BoundConfig(min=0.1)}, "slices": ["age"]}, "`gate.slices` names 'age'"),
    ],
)
def test_gate_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config.GateConfig(**fields)  # type: ignore[arg-type]


def test_json_round_trip() -> None:
    gate = config.GateConfig(
        bounds={"ndcg_p": config.BoundConfig(min=0.05, max_loss=0.01), "hr_n": config.BoundConfig(max=0.1)},
        k=20,
        slices=["target_popularity_bucket"],
        slice_bounds={"target_popularity_bucket": {"tail": {"ndcg_p": config.BoundConfig(min=0.001)}}},
        slice_min_targets=12,
        responsiveness=ResponsivenessConfig(0.1),
    )
    text = config.gate_to_json(gate)
    assert json.loads(text) == {
        "bounds": {
            "ndcg_p": {"min": 0.05, "max": None, "max_loss": 0.01},
            "hr_n": {"min": None, "max": 0.1, "max_loss": None},
        },
        "k": 20,
        "slices": ["target_popularity_bucket"],
        "slice_bounds": {
            "target_popularity_bucket": {"tail": {"ndcg_p": {"min": 0.001, "max": None, "max_loss": None}}}
        },
        "slice_min_targets": 12,
        "baseline_history": 1,
        "responsiveness": {"min": 0.1, "targets": 1000},
    }
    assert config.gate_from_json(text) == gate
    reordered = dataclasses.replace(gate, bounds=dict(reversed(gate.bounds.items())))
    assert config.gate_to_json(reordered) == text


TAIL = {"target_popularity_bucket": {"tail": {"ndcg_p": config.BoundConfig(min=0.001)}}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"slice_bounds": {"age": {}}}, "'age', which is no slice. Known: history_length_bucket, target_pop"),
        (
            {"slice_bounds": {"target_popularity_bucket": {"tial": TAIL["target_popularity_bucket"]["tail"]}}},
            "names 'tial', which is none of its values. Known: head, middle, tail.",
        ),
        ({"slice_bounds": {"history_length_bucket": {"tail": {}}}}, "Known: 0-4, 5-9, 10-19, 20-49, 50"),
        (
            {"slice_bounds": {"target_popularity_bucket": {"tail": {"ndgc_p": config.BoundConfig(min=0.1)}}}},
            "`gate.slice_bounds.target_popularity_bucket.tail` names the unknown metric 'ndgc_p'. Known: hr_p",
        ),
        (
            {"slice_bounds": {"target_popularity_bucket": {"tail": {"hr_p": config.BoundConfig(min=2)}}}},
            "`gate.slice_bounds.target_popularity_bucket.tail.hr_p.min` must lie between 0 and 1. Received: 2.",
        ),
        ({"slice_bounds": TAIL, "slices": ["history_length_bucket"]}, "which `gate.slices` leaves out: add it there."),
        ({"slices": ["history_length_bucket"] * 2}, "`gate.slices` names a feature twice: history_length_bucket, hist"),
        ({"slice_bounds": TAIL, "slice_min_targets": 0}, "`gate.slice_min_targets` must be at least 1. Received: 0."),
    ],
)
def test_bounds_on_slices_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config.GateConfig(bounds={"hr_p": config.BoundConfig(min=0.1)}, **fields)  # type: ignore[arg-type]


def test_a_bound_on_a_slice_may_name_the_list_without_dislikes() -> None:
    bounds = {"target_popularity_bucket": {"tail": {"default_ndcg_p": config.BoundConfig(min=0.001)}}}
    gate = config.GateConfig(bounds={"hr_p": config.BoundConfig(min=0.1)}, slice_bounds=bounds)
    assert gate.judges_default
    assert gate.reported == (*measures.METRICS, "default_ndcg_p", "default_ndcg_n", "default_ndcg_delta")


def test_bounds_come_in_the_order_of_the_slices() -> None:
    one = {"hr_p": config.BoundConfig(min=0.1)}
    bounds = {"target_popularity_bucket": {"tail": one, "head": one}, "history_length_bucket": {"50+": one, "0-4": one}}
    assert [each.name for each in config.GateConfig(bounds=one, slice_bounds=bounds).each_slice_bound] == [
        "hr_p in history_length_bucket = 0-4",
        "hr_p in history_length_bucket = 50+",
        "hr_p in target_popularity_bucket = head",
        "hr_p in target_popularity_bucket = tail",
    ]


@pytest.mark.parametrize(("metric", "asks"), [("novelty", True), ("miscalibration", True), ("gini", False)])
def test_only_a_loss_of_what_earlier_exports_do_not_tell_asks_for_a_baseline_that_does(metric: str, asks: bool) -> None:
    assert config.GateConfig(bounds={metric: config.BoundConfig(max_loss=0.1)}).asks_lists is asks
    assert not config.GateConfig(bounds={metric: config.BoundConfig(max=0.5)}).asks_lists


@pytest.mark.parametrize(("metric", "asks"), [("diversity", True), ("novelty", False)])
def test_only_a_loss_of_diversity_asks_for_a_baseline_that_tells_groups(metric: str, asks: bool) -> None:
    assert config.GateConfig(bounds={metric: config.BoundConfig(max_loss=0.1)}).asks_groups is asks
    assert not config.GateConfig(bounds={metric: config.BoundConfig(min=0.5)}).asks_groups


def test_json_with_unknown_keys_is_refused() -> None:
    with pytest.raises(TypeError, match="minimum"):
        config.gate_from_json('{"bounds": {"hr_p": {"minimum": 0.1}}}')
    with pytest.raises(ValueError, match="must be a JSON object"):
        config.gate_from_json("[]")


@pytest.mark.parametrize(
    "bounds",
    [
        {"hr_n": config.BoundConfig(min=0.01, max=0.2)},
        {"hr_n": config.BoundConfig(min=0.01, max_loss=0.1)},
        {"ndcg_p": config.BoundConfig(min=0.1, max=0.9)},
        {"list_head": config.BoundConfig(min=0.1)},
        {"list_tail": config.BoundConfig(max=0.9)},
        {"novelty": config.BoundConfig(max=12.0)},
    ],
)
def test_the_other_side_may_be_bounded_too(bounds: dict[str, config.BoundConfig]) -> None:
    assert config.GateConfig(bounds=bounds).bounds == bounds
