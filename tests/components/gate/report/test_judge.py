import math

import pytest

from components.gate.report import intervals, judge
from components.gate.report.content import Row, SliceRow
from components.gate.report.measured import Evaluation, SliceValues
from pnfrec_core import measures
from tests.components.gate.report import examples


def find(rows: tuple[Row, ...], metric: str) -> Row:
    return next(row for row in rows if row.metric == metric)


def test_row_with_a_broken_change_bound() -> None:
    row = find(examples.refused_report().rows, "ndcg_p")
    # 0.12 - 0.13 = -0.01 +- 1.96 * 0.004; 0.12 +- 1.96 * 0.01.
    assert row.interval == pytest.approx((0.1004, 0.1396), abs=5e-5)
    assert row.change_interval == pytest.approx((-0.01784, -0.00216), abs=5e-6)
    assert row == Row(
        metric="ndcg_p",
        value=0.12,
        examples=500,
        interval=row.interval,
        min=0.1,
        max=None,
        max_loss=0.005,
        baseline=0.13,
        change=0.12 - 0.13,
        change_interval=row.change_interval,
        verdict="fail",
        sentence="ndcg_p fell by 0.0100 from the last blessed model's 0.1300 (95 % interval of the change -0.0178 to "
        "-0.0022); it may be at most 0.005 lower.",
    )
    assert row.bounds == (">= 0.1", "loss <= 0.005")


def test_row_of_a_difference() -> None:
    row = find(examples.refused_report().rows, "ndcg_delta")
    assert (row.value, row.examples, row.verdict, row.sentence) == (0.07, 900, "not judged", "ndcg_delta has no bound.")
    # Errors 0.01 and 0.005 make 0.01118; of the change 0.004 and 0.003 make 0.005.
    assert row.interval == pytest.approx((0.07 - 0.021913, 0.07 + 0.021913), abs=1e-5)
    assert row.change_interval == pytest.approx((-0.01 - 0.0098, -0.01 + 0.0098), abs=1e-5)


def test_intervals_of_hit_rates_and_of_coverage() -> None:
    rows = examples.refused_report().rows
    assert find(rows, "hr_p").interval == intervals.wilson(0.2, 500)
    assert find(rows, "hr_n").interval == intervals.wilson(0.1, 400)
    assert find(rows, "hr_delta").interval == intervals.newcombe(0.2, 500, 0.1, 400)
    assert find(rows, "coverage").interval is None
    assert find(rows, "coverage").examples == 900


def test_refused_report() -> None:
    report = examples.refused_report()
    assert not report.blessed
    assert report.agrees
    assert report.headline == "NOT BLESSED: 2 of 3 bounded metrics failed. They are hr_n, ndcg_p."
    assert [row.metric for row in report.failures] == ["hr_n", "ndcg_p"]
    assert find(report.rows, "coverage").sentence == "coverage is 0.3125, at least 0.3 as required."
    assert report.notes == ()
    assert (report.count_p, report.count_n, report.k) == (500, 400, 10)


def test_rows_of_the_list_without_dislikes() -> None:
    default = {f"default_{name}": value for name, value in examples.CANDIDATE.items() if name[:2] != "co"}
    default |= {"default_hr_p": 0.15, "default_hr_n": 0.14, "default_hr_delta": 0.01, "default_ndcg_p_se": 0.02}
    candidate = {**examples.CANDIDATE, **default, "default_ndcg_p_change_se": 0.002}
    baseline = {**examples.BASELINE, **default, "default_ndcg_p": 0.13}
    gate = examples.gate(
        ndcg_p={"min": 0.1},
        default_hr_n={"max": 0.12},
        default_hr_delta={"min": 0.0},
        default_ndcg_p={"min": 0.1, "max_loss": 0.02},
    )
    report = judge.build_report(gate, examples.evaluation(candidate, baseline, validation_ok=False), blessing=False)
    assert [row.metric for row in report.rows[len(measures.METRICS) :]] == [
        "default_hr_p", "default_hr_n", "default_hr_delta", "default_ndcg_p", "default_ndcg_n", "default_ndcg_delta",
    ]  # fmt: skip
    assert report.headline == (
        "NOT BLESSED: 1 of 4 bounded metrics failed. default_hr_n is 0.1400, above the bound of 0.12."
    )
    found = [find(report.rows, f"default_{name}") for name in ("hr_n", "hr_delta", "ndcg_p")]
    assert [row.examples for row in found] == [400, 900, 500]
    assert found[0].interval == intervals.wilson(0.14, 400)
    assert found[1].interval == intervals.newcombe(0.15, 500, 0.14, 400)
    assert found[2].interval == pytest.approx((0.12 - 0.0392, 0.12 + 0.0392), abs=1e-5)
    assert found[2].change_interval == pytest.approx((-0.01 - 0.00392, -0.01 + 0.00392), abs=1e-5)


def test_slices_come_in_the_order_of_their_buckets() -> None:
    slices = examples.refused_report().slices
    assert [(part.feature, part.value) for part in slices] == [
        ("history_length_bucket", "5-9"),
        ("history_length_bucket", "10-19"),
        ("target_popularity_bucket", "head"),
    ]
    metrics: dict[str, float | None] = {name: examples.CANDIDATE[name] for name in measures.METRICS}
    baseline: dict[str, float | None] = {
        name: None if math.isnan(examples.BASELINE[name]) else examples.BASELINE[name] for name in measures.METRICS
    }
    undefined = {"ndcg_n": None, "ndcg_delta": None}
    assert slices[0] == SliceRow("history_length_bucket", "5-9", 20, 0, {**metrics, **undefined}, baseline)


def test_blessed_report() -> None:
    gate = examples.gate(ndcg_p={"min": 0.1, "max_loss": 0.01}, hr_n={"max": 0.1, "max_loss": 0.0})
    report = judge.build_report(gate, examples.evaluation(baseline=examples.BASELINE), blessing=True)
    assert report.blessed
    assert report.headline == "BLESSED: all 2 bounded metrics that could be judged are within their bounds."
    row = find(report.rows, "hr_n")
    assert (row.verdict, row.sentence) == (
        "ok",
        "hr_n is 0.1000, at most 0.1 as required. hr_n is the same as in the last blessed model; it may be at most 0 "
        "higher.",
    )


def test_rising_false_positives_are_a_loss() -> None:
    gate = examples.gate(hr_n={"max_loss": 0.01})
    candidate = {**examples.CANDIDATE, "hr_n": 0.15}
    evaluation = examples.evaluation(candidate, examples.BASELINE, validation_ok=False)
    report = judge.build_report(gate, evaluation, blessing=False)
    assert find(report.rows, "hr_n").verdict == "fail"
    assert find(report.rows, "hr_n").sentence == (
        "hr_n rose by 0.0500 from the last blessed model's 0.1000; it may be at most 0.01 higher."
    )


def test_a_value_on_its_bound_passes_in_spite_of_rounding() -> None:
    # 0.3 - 0.2 is 0.09999999999999998.
    candidate = {**examples.CANDIDATE, "hr_p": 0.3, "hr_n": 0.2, "hr_delta": 0.3 - 0.2}
    gate = examples.gate(hr_delta={"min": 0.1})
    assert judge.build_report(gate, examples.evaluation(candidate), blessing=True).blessed


def test_a_value_close_to_its_bound_shows_the_digits_that_tell() -> None:
    gate = examples.gate(ndcg_p={"min": 0.12})
    evaluation = examples.evaluation({**examples.CANDIDATE, "ndcg_p": 0.1199999}, validation_ok=False)
    report = judge.build_report(gate, evaluation, blessing=False)
    assert find(report.rows, "ndcg_p").sentence == "ndcg_p is 0.1199999, below the bound of 0.12."


def test_first_model() -> None:
    gate = examples.gate(ndcg_p={"min": 0.1, "max_loss": 0.005}, hr_n={"max_loss": 0.01})
    report = judge.build_report(gate, examples.evaluation(), blessing=True)
    assert report.blessed
    assert report.headline == (
        "BLESSED: the one bounded metric that could be judged is within its bounds. "
        "There was no baseline to compare with."
    )
    assert report.notes == ("No blessed model yet: change bounds are not judged.",)
    verdicts = {row.metric: row.verdict for row in report.rows if row.bounds}
    assert verdicts == {"hr_n": "not judged", "ndcg_p": "ok"}
    assert (
        find(report.rows, "hr_n").sentence
        == "No baseline to compare with: the loss of hr_n (at most 0.01) is not judged."
    )


def test_a_baseline_that_reports_too_few_items() -> None:
    gate = examples.gate(ndcg_p={"min": 0.1, "max_loss": 0.005})
    report = judge.build_report(gate, examples.evaluation(), blessing=True, baseline_is_left_out=True)
    assert report.blessed
    assert report.notes == (
        "The last blessed model reports fewer than 10 items of each list, so it cannot be compared: change bounds are "
        "not judged this time.",
    )


@pytest.mark.parametrize(
    ("gone", "has_baseline", "left_out", "expected"),
    [
        (
            ["/a"],
            True,
            False,
            ["The files of the last blessed model are gone (/a), so the one blessed before is taken"],
        ),
        (["/a"], False, False, ["The files of the last blessed model are gone (/a), so change bounds are not judged"]),
        (["/b", "/a"], True, False, ["The files of the last 2 blessed models are gone (/b, /a), so the one blessed"]),
        (
            ["/a"],
            False,
            True,
            [
                "The files of the last blessed model are gone (/a), so the one blessed before",
                "The last blessed model re",
            ],
        ),
    ],
)
def test_baselines_that_are_gone(gone: list[str], has_baseline: bool, left_out: bool, expected: list[str]) -> None:
    report = judge.build_report(
        examples.gate(ndcg_p={"min": 0.1}),
        examples.evaluation(baseline=examples.BASELINE if has_baseline else None),
        blessing=True,
        baseline_is_left_out=left_out,
        gone_baselines=gone,
    )
    assert len(report.notes) == len(expected)
    for note, begin in zip(report.notes, expected, strict=True):
        assert note.startswith(begin)


def test_first_model_with_nothing_to_judge() -> None:
    report = judge.build_report(examples.gate(hr_n={"max_loss": 0.01}), examples.evaluation(), blessing=True)
    assert report.blessed
    assert report.headline == "BLESSED: only changes are bounded, and there is no baseline to compare with."


@pytest.mark.parametrize("bound", [{"max": 1.0}, {"max_loss": 1.0}, {"min": 0.0, "max": 1.0}])
@pytest.mark.parametrize("baseline", [None, examples.BASELINE, examples.NO_NEGATIVES])
def test_undefined_metric_fails_every_bound(bound: dict[str, float], baseline: dict[str, float] | None) -> None:
    evaluation = examples.evaluation(examples.NO_NEGATIVES, baseline, validation_ok=False)
    report = judge.build_report(examples.gate(ndcg_n=bound), evaluation, blessing=False)
    row = find(report.rows, "ndcg_n")
    assert not report.blessed
    assert (row.value, row.examples, row.interval, row.verdict) == (None, 0, None, "fail")
    assert row.sentence == (
        "ndcg_n is undefined: the evaluated split has no example of the negative group. "
        "An undefined metric fails every bound."
    )


def test_an_empty_group_fails_whatever_the_bounds() -> None:
    evaluation = examples.evaluation(examples.NO_NEGATIVES, validation_ok=False)
    report = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), evaluation, blessing=False)
    assert not report.blessed
    assert report.agrees
    assert [row.metric for row in report.failures] == ["hr_n"]
    assert report.headline == (
        "NOT BLESSED: hr_n is undefined: the evaluated split has no example of the negative group. "
        "An empty group fails the gate, whatever the bounds."
    )
    assert find(report.rows, "hr_delta").verdict == "not judged"
    assert find(report.rows, "hr_delta").sentence == (
        "hr_delta is undefined: the evaluated split has no example of the negative group."
    )


def test_undefined_baseline_fails_the_change_bound() -> None:
    baseline = {**examples.BASELINE, "ndcg_p": math.nan}
    evaluation = examples.evaluation(baseline=baseline, validation_ok=False)
    report = judge.build_report(examples.gate(ndcg_p={"max_loss": 1.0}), evaluation, blessing=False)
    assert find(report.rows, "ndcg_p").sentence == (
        "ndcg_p cannot be compared: it is undefined for the last blessed model. An undefined metric fails every bound."
    )
    assert not report.blessed


def test_no_example_at_all() -> None:
    empty = Evaluation(SliceValues("", "", {}, None), (), has_baseline=False, validation_ok=False, failures=())
    report = judge.build_report(examples.gate(coverage={"min": 0.0}), empty, blessing=False)
    assert report.headline == (
        "NOT BLESSED: hr_p is undefined: the evaluated split has no example of the positive group. "
        "An empty group fails the gate, whatever the bounds."
    )
    assert [row.metric for row in report.failures] == ["hr_p", "hr_n", "coverage"]
    assert {row.value for row in report.rows} == {None}


@pytest.mark.parametrize(
    ("minimum", "validation_ok", "blessing", "passes", "validated", "said"),
    [
        (0.1, True, False, "passes", "passes", "not blessed"),
        (0.1, True, None, "passes", "passes", "absent"),
        (0.1, False, True, "passes", "fails", "blessed"),
        (0.2, True, True, "fails", "passes", "blessed"),
        (0.2, False, True, "fails", "fails", "blessed"),
    ],
)
def test_a_contradiction_is_loud_and_never_blessed(
    minimum: float, validation_ok: bool, blessing: bool | None, passes: str, validated: str, said: str
) -> None:
    evaluation = examples.evaluation(validation_ok=validation_ok, failures=("ndcg_p (value 0.1): out of bounds",))
    report = judge.build_report(examples.gate(ndcg_p={"min": minimum}), evaluation, blessing)
    assert not report.blessed
    assert not report.agrees
    assert report.headline == "NOT BLESSED: this report and TFX's blessing contradict each other."
    assert report.notes[0] == (
        f"By this report the model {passes}, by TFMA's validation it {validated}, and TFX's blessing is {said}. The "
        "model counts as not blessed. Were the Evaluator and this report given the same bounds? TFMA's failures: "
        "ndcg_p (value 0.1): out of bounds."
    )
