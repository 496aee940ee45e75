"""The stock Evaluator of TFX with our metrics, on files."""

import math
from typing import Any

import pytest
import tensorflow_model_analysis as tfma

from components.gate import config
from pnfrec_core import measures
from tests.components.gate import runs, world


def read_metrics(run: runs.Run) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """Values by slice (feature, value), model and metric; `diff` holds those of the change."""
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for record in tfma.load_metrics(run.evaluation.uri):
        parts = record.slice_key.single_slice_keys
        key = (parts[0].column, parts[0].bytes_value.decode()) if parts else ("", "")
        for entry in record.metric_keys_and_values:
            model = "diff" if entry.key.is_diff else entry.key.model_name
            found.setdefault(key, {}).setdefault(model, {})[entry.key.name] = entry.value.double_value.value
    return found


def only_metrics(values: dict[str, float]) -> dict[str, float]:
    return {name: values[name] for name in measures.METRICS}


def test_every_metric_of_both_models(evaluator_runs: runs.EvaluatorRuns) -> None:
    found = read_metrics(evaluator_runs("kept"))
    overall = found["", ""]
    assert only_metrics(overall["candidate"]) == pytest.approx(world.CANDIDATE_METRICS)
    assert only_metrics(overall["baseline"]) == pytest.approx(world.BASELINE_METRICS, nan_ok=True)
    changes = {name: world.CANDIDATE_METRICS[name] - world.BASELINE_METRICS[name] for name in measures.METRICS}
    assert only_metrics(overall["diff"]) == pytest.approx(changes, nan_ok=True)
    for model in ("candidate", "baseline"):
        assert (overall[model]["count_p"], overall[model]["count_n"]) == (4.0, 3.0)


def test_slices(evaluator_runs: runs.EvaluatorRuns) -> None:
    found = read_metrics(evaluator_runs("kept"))
    assert sorted(found) == [
        ("", ""),
        ("history_length_bucket", "0-4"),
        ("history_length_bucket", "5-9"),
        ("target_popularity_bucket", "head"),
        ("target_popularity_bucket", "middle"),
        ("target_popularity_bucket", "tail"),
    ]
    short = found["history_length_bucket", "0-4"]["candidate"]
    assert only_metrics(short) == pytest.approx(world.CANDIDATE_SHORT_HISTORY)
    # The examples of bucket "head" are those of bucket "0-4".
    assert found["target_popularity_bucket", "head"]["candidate"] == pytest.approx(short, nan_ok=True)


def test_slicing_by_batch_equals_the_stock_way(evaluator_runs: runs.EvaluatorRuns) -> None:
    fast, stock = read_metrics(evaluator_runs("kept")), read_metrics(evaluator_runs("stock"))
    assert repr(sorted_deep(fast)) == repr(sorted_deep(stock))  # repr: NaN equals itself there
    assert evaluator_runs("stock").blessed


def sorted_deep(tree: Any) -> Any:
    return {key: sorted_deep(tree[key]) for key in sorted(tree)} if isinstance(tree, dict) else tree


def read_failures(run: runs.Run) -> list[tuple[str, bool]]:
    result = tfma.load_validation_result(run.evaluation.uri)
    parts = result.metric_validations_per_slice
    assert all(not part.slice_key.single_slice_keys for part in parts), "a bound was held against a slice"
    return sorted((failure.metric_key.name, failure.metric_key.is_diff) for part in parts for failure in part.failures)


def test_kept_bounds_bless(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("kept")
    assert run.blessed
    assert read_failures(run) == []


def test_broken_bounds_do_not(evaluator_runs: runs.EvaluatorRuns) -> None:
    # ndcg_p fell by 0.0327 (allowed 0.03), hr_n is 1/3 (allowed 0.3); coverage 5/8 is above 0.5.
    run = evaluator_runs("broken")
    assert not run.blessed
    assert read_failures(run) == [("hr_n", False), ("ndcg_p", True)]


def test_the_list_without_dislikes_has_bounds_of_its_own(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("default")
    assert not run.blessed
    assert read_failures(run) == [("default_hr_n", False), ("default_mrr_n", True)]
    overall = read_metrics(run)["", ""]
    found = {model: {name: overall[model][name] for name in config.DEFAULT_METRICS} for model in overall}
    assert found["candidate"] == pytest.approx(world.CANDIDATE_DEFAULT_METRICS)
    # An export from before has one rank, which stands for both lists.
    assert found["baseline"] == pytest.approx(
        {name: world.BASELINE_METRICS[name.removeprefix("default_")] for name in config.DEFAULT_METRICS}
    )
    assert only_metrics(overall["candidate"]) == pytest.approx(world.CANDIDATE_METRICS)
    assert {f"default_{measure}_{group}_change_se" for measure in ("hr", "ndcg", "mrr") for group in "pn"} <= set(
        overall["candidate"]
    )
    # Without such a bound nothing of it is measured.
    assert not [name for name in read_metrics(evaluator_runs("kept"))["", ""]["candidate"] if config.is_default(name)]


def failures_of_slices(run: runs.Run) -> list[tuple[str, bool]]:
    result = tfma.load_validation_result(run.evaluation.uri)
    assert not result.missing_slices
    return sorted(
        (failure.metric_key.name, failure.metric_key.is_diff)
        for part in result.metric_validations_per_slice
        for failure in part.failures
    )


def test_bounds_of_slices_that_are_kept(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("slices_kept")
    assert failures_of_slices(run) == []
    assert run.blessed


def test_bounds_of_slices_that_are_broken(evaluator_runs: runs.EvaluatorRuns) -> None:
    # The head has MRR 2/3 (a: rank 1, b: rank 3) and 1/4 in the baseline; the tail finds nothing.
    run = evaluator_runs("slices_broken")
    assert failures_of_slices(run) == [
        ("gini in target_popularity_bucket = tail", False),
        ("hr_p in history_length_bucket = 5-9", True),
        ("mrr_p in target_popularity_bucket = head", False),
        ("ndcg_p in target_popularity_bucket = tail", False),
    ]
    assert not run.blessed


def test_a_slice_with_few_targets_or_none_cannot_fail(evaluator_runs: runs.EvaluatorRuns) -> None:
    # The same bounds, from 3 targets on, and bounds on a slice of no user.
    run = evaluator_runs("slices_few")
    assert failures_of_slices(run) == []
    assert run.blessed
    empty = read_metrics(run)["history_length_bucket", "50+"]["candidate"]
    assert (empty["count_p"], empty["count_n"]) == (0.0, 0.0)


def test_first_model_is_judged_although_only_its_change_is_bounded(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("first")
    assert run.blessed
    assert set(read_metrics(run)["", ""]) == {""}


@pytest.mark.parametrize(
    ("name", "failures"),
    [
        # Both bounds of an undefined metric fail, however wide: hr_n <= 1, and a loss of mrr_n up to 1.
        ("undefined", [("hr_n", False), ("mrr_n", False), ("mrr_n", True)]),
        ("undefined_change", [("hr_n", False), ("ndcg_n", False), ("ndcg_n", True)]),
        ("undefined_first", [("hr_n", False), ("ndcg_n", False)]),
        # No bound names a metric of the group: empty it fails all the same.
        ("unbounded_undefined", [("hr_n", False)]),
    ],
)
def test_undefined_metric_is_never_blessed(
    evaluator_runs: runs.EvaluatorRuns, name: str, failures: list[tuple[str, bool]]
) -> None:
    run = evaluator_runs(name)
    assert not run.blessed
    assert read_failures(run) == failures
    values = next(iter(read_metrics(run)["", ""].values()))
    assert [metric for metric in measures.METRICS if math.isnan(values[metric])] == [
        "hr_n", "hr_delta", "ndcg_n", "ndcg_delta", "mrr_n", "mrr_delta",
    ]  # fmt: skip


def test_split_without_examples_is_not_blessed(evaluator_runs: runs.EvaluatorRuns) -> None:
    run = evaluator_runs("empty")
    assert not run.blessed
    assert read_metrics(run) == {}
