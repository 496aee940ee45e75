"""A hand-made evaluation for the tests of the report."""

import math
from typing import Any

from components.gate import config
from components.gate.report import judge
from components.gate.report.content import Report
from components.gate.report.measured import Evaluation, SliceValues
from pnfrec_core.popularity import BUCKETS

CANDIDATE = {
    "hr_p": 0.2,
    "hr_n": 0.1,
    "hr_delta": 0.1,
    "ndcg_p": 0.12,
    "ndcg_n": 0.05,
    "ndcg_delta": 0.07,
    "mrr_p": 0.1,
    "mrr_n": 0.04,
    "mrr_delta": 0.06,
    "coverage": 0.3125,
    "gini": 0.9,
    "novelty": 9.5,
    "diversity": 0.75,
    "miscalibration": 0.25,
    "list_head": 0.75,
    "list_middle": 0.25,
    "list_tail": 0.0,
    "target_head": 0.5,
    "target_middle": 0.3,
    "target_tail": 0.2,
    "count_p": 500.0,
    "count_n": 400.0,
    "ndcg_p_se": 0.01,
    "ndcg_n_se": 0.005,
    "mrr_p_se": 0.008,
    "mrr_n_se": 0.004,
}
BASELINE = {
    **CANDIDATE,
    "hr_p": 0.18,
    "hr_delta": 0.08,
    "ndcg_p": 0.13,
    "ndcg_delta": 0.08,
    "coverage": 0.25,
    "gini": 0.92,
    "novelty": 9.25,
    # The baseline tells no groups and no buckets, as an export from before.
    **dict.fromkeys(("diversity", "miscalibration", *(f"list_{bucket}" for bucket in BUCKETS)), math.nan),
    **dict.fromkeys((f"target_{bucket}" for bucket in BUCKETS), math.nan),
}
CHANGE_ERRORS = {"ndcg_p_change_se": 0.004, "ndcg_n_change_se": 0.003, "hr_p_change_se": 0.01, "hr_n_change_se": 0.0}
NO_NEGATIVES = {
    **CANDIDATE,
    **dict.fromkeys(("hr_n", "hr_delta", "ndcg_n", "ndcg_delta", "mrr_n", "mrr_delta"), math.nan),
    "count_n": 0.0,
    "ndcg_n_se": math.nan,
    "mrr_n_se": math.nan,
}
SMALL = {**CANDIDATE, "count_p": 20.0, "count_n": 0.0, "ndcg_n": math.nan, "ndcg_delta": math.nan}


def evaluation(
    candidate: dict[str, float] = CANDIDATE,
    baseline: dict[str, float] | None = None,
    validation_ok: bool = True,
    slices: tuple[SliceValues, ...] = (),
    failures: tuple[str, ...] = (),
) -> Evaluation:
    values = {**candidate, **CHANGE_ERRORS} if baseline is not None else candidate
    return Evaluation(
        overall=SliceValues("", "", values, baseline),
        slices=slices,
        has_baseline=baseline is not None,
        validation_ok=validation_ok,
        failures=failures,
    )


def gate(**bounds: dict[str, float]) -> config.GateConfig:
    return config.GateConfig(bounds={metric: config.BoundConfig(**bound) for metric, bound in bounds.items()})


def refused_report() -> Report:
    """Two bounds fail, one holds; three slices in no order."""
    slices = tuple(
        SliceValues(feature, value, SMALL, BASELINE)
        for feature, value in (
            ("target_popularity_bucket", "head"),
            ("history_length_bucket", "10-19"),
            ("history_length_bucket", "5-9"),
        )
    )
    wanted: dict[str, Any] = {
        "ndcg_p": {"min": 0.1, "max_loss": 0.005},
        "hr_n": {"max": 0.08},
        "coverage": {"min": 0.3},
    }
    return judge.build_report(
        gate(**wanted),
        evaluation(baseline=BASELINE, validation_ok=False, slices=slices),
        blessing=False,
        model="pipeline/Trainer/model/7",
        baseline_model="pipeline/Trainer/model/3",
    )
