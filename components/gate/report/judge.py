"""From numbers and bounds to the report. Pure; the same rules as TFMA's, so that the two verdicts can be compared."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.gate import config, slices, thresholds
from components.gate.bounds import BoundConfig
from components.gate.report import intervals, measured, sentences
from components.gate.report.content import AtRandom, Report, Row, SliceRow, Verdict
from components.gate.responsiveness import METRIC, RESULT_FILE, Response
from components.gate.slices import SliceBound
from pnfrec_core import measures, schema
from pnfrec_core.lists import DIVERSITY, LIST_METRICS


def build_report(
    gate: config.GateConfig,
    evaluation: measured.Evaluation,
    blessing: bool | None,
    model: str = "",
    baseline_model: str = "",
    baseline_is_left_out: bool = False,
    gone_baselines: Sequence[str] = (),
    default_list_is_another: bool = False,
    response: Response | None = None,
    at_random: measured.SliceValues | None = None,
    successive_targets: bool = False,
    threshold: float | None = None,
) -> Report:
    """Judges `evaluation` by `gate` and compares the outcome with TFX's blessing.

    Args:
        gate: Bounds.
        evaluation: What the Evaluator measured.
        blessing: Whether the Evaluator blessed the model; None where it wrote no blessing.
        model: Where the model under test lies, for the reader.
        baseline_model: The same of the last blessed model.
        baseline_is_left_out: There is a blessed model, left out since it does not report all that the gate looks at.
        gone_baselines: Where the models lay that were blessed later than the baseline, and whose files are gone.
        default_list_is_another: The model ranks by a user's dislikes, which `serving_default` does not weigh.
        response: What a dislike does, where the gate asks for that.
        at_random: What the Evaluator measured on what was shown at random, where the feedback has that.
        successive_targets: Every held-out interaction of a user is a target.
        threshold: Values from it on are likes, to the model; None where there is no such value.
    """
    every = (_judge(metric, gate.bounds.get(metric), evaluation.overall) for metric in gate.reported)
    rows = tuple(row for row in every if not _is_of_no_groups(row))
    slice_rows = tuple(_judge_slice(each, gate, evaluation) for each in gate.each_slice_bound)
    by_tfma = all(row.verdict != "fail" for row in (*rows, *slice_rows))
    response_rows = _judge_response(gate, response)
    passed = by_tfma and all(row.verdict != "fail" for row in response_rows)
    # TFMA knows nothing of what a dislike does; the blessing does.
    agrees = by_tfma == evaluation.validation_ok and passed == blessing
    has_older = evaluation.has_baseline or baseline_is_left_out
    notes = [sentences.gone(gone_baselines, has_older=has_older)] if gone_baselines else []
    if baseline_is_left_out:
        notes.append(sentences.left_out(gate))
    elif not evaluation.has_baseline and not gone_baselines:
        notes.append(sentences.NO_BASELINE)
    if gate.baseline_history > 1 and evaluation.has_baseline:
        notes.append(sentences.best_of_history(gate))
    if default_list_is_another and not gate.judges_default:
        notes.append(sentences.DEFAULT_NOT_JUDGED)
    notes += [sentences.SEVERAL_TARGETS] if successive_targets else []
    notes += [row.sentence for row in slice_rows if row.verdict == "not judged" and row.value is None]
    if not agrees:
        notes.insert(0, sentences.disagreement(passed, evaluation.validation_ok, blessing, evaluation.failures))
    return Report(
        blessed=passed and agrees,
        headline=sentences.headline((*rows, *slice_rows, *response_rows), agrees, evaluation.has_baseline),
        notes=tuple(notes),
        agrees=agrees,
        k=gate.k,
        count_p=_count(evaluation.overall.candidate, "p"),
        count_n=_count(evaluation.overall.candidate, "n"),
        has_baseline=evaluation.has_baseline,
        model=model,
        baseline_model=baseline_model,
        rows=rows,
        slices=tuple(_slice_row(values) for values in sorted(evaluation.slices, key=_slice_order)),
        slice_rows=slice_rows,
        response_rows=response_rows,
        at_random=None if at_random is None else _measure_random(gate, at_random),
        threshold=threshold,
    )


def _measure_random(gate: config.GateConfig, values: measured.SliceValues) -> AtRandom:
    """The measures of what was shown at random, which nothing is judged by."""
    counts = _count(values.candidate, "p"), _count(values.candidate, "n")
    every = (_judge(metric, None, values, schema.TEST_RANDOM_SPLIT) for metric in gate.reported)
    return AtRandom(*counts, tuple(row for row in every if not _is_of_no_groups(row)) if any(counts) else ())


def _judge_response(gate: config.GateConfig, response: Response | None) -> tuple[Row, ...]:
    """The row of what a dislike does, where that is bounded.

    Raises:
        ValueError: It is bounded, and was not measured.
    """
    bound = gate.responsiveness
    if bound is None:
        return ()
    if response is None:
        msg = (
            f"`gate.responsiveness` is set, and the evaluation has no {RESULT_FILE}. Take the Evaluator of "
            "`components.gate.evaluator.evaluator`."
        )
        raise ValueError(msg)
    interval = None if response.value is None else intervals.normal(response.value, response.error or math.nan)
    unknown: dict[str, Any] = dict.fromkeys(("max", "max_loss", "baseline", "change", "change_interval"))
    return (
        Row(
            metric=METRIC,
            value=response.value,
            examples=response.targets,
            interval=interval,
            min=bound.min,
            verdict="ok" if response.holds(bound) else "fail",
            sentence=sentences.response(response, bound),
            **unknown,
        ),
    )


def _is_of_no_groups(row: Row) -> bool:
    """Whether a row would say no more than that the titles carry no groups, as most do not."""
    return row.metric == DIVERSITY and row.value is None and row.baseline is None and not row.bounds


def _judge_slice(each: SliceBound, gate: config.GateConfig, evaluation: measured.Evaluation) -> Row:
    """The row of a bound on a slice: of an empty slice where the evaluation has no such slice."""
    found = (values for values in evaluation.slices if (values.feature, values.value) == each[:2])
    empty = measured.SliceValues(each.feature, each.value, {}, {} if evaluation.has_baseline else None)
    values = next(found, empty)
    targets = _targets(each.metric, values.candidate)
    row = _judge(each.metric, each.bound, values, f"{each.feature} = {each.value}")
    if targets >= gate.slice_min_targets:
        return row
    sentence = sentences.too_few(each, targets, gate.slice_min_targets)
    # No number that nobody judges stands beside a bound; the table of slices has it.
    unknown: dict[str, Any] = {
        "value": None,
        "interval": None,
        "baseline": None,
        "change": None,
        "change_interval": None,
    }
    return dataclasses.replace(row, **unknown, examples=targets, verdict="not judged", sentence=sentence)


def _judge(metric: str, bound: BoundConfig | None, values: measured.SliceValues, where: str = "") -> Row:
    value = values.candidate.get(metric, math.nan)
    baseline = None if values.baseline is None else values.baseline.get(metric, math.nan)
    change = None if baseline is None else value - baseline
    change_interval = _change_interval(metric, values.candidate, change)
    name = f"{metric} in {where}" if where else metric
    if math.isnan(value):
        empty = [group for group in measures.groups_of(metric) if not _count(values.candidate, group)]
        # Which groups there must be whatever the bounds is a matter of the test split as a whole.
        fails = bound is not None if where else thresholds.must_be_defined(metric, bound)
        verdict: Verdict = "fail" if fails else "not judged"
        sentence = sentences.undefined(name, empty, bounded=bound is not None, fails=fails)
    elif bound is None:
        verdict, sentence = "not judged", sentences.no_bound(name)
    else:
        verdict, sentence = _verdict(metric, name, bound, value, baseline, change_interval)
    return Row(
        metric=metric,
        value=_defined(value),
        examples=sum(_count(values.candidate, group) for group in measures.groups_of(metric)),
        interval=_interval(metric, values.candidate),
        min=None if bound is None else bound.min,
        max=None if bound is None else bound.max,
        max_loss=None if bound is None else bound.max_loss,
        baseline=_defined(baseline),
        change=_defined(change),
        change_interval=change_interval,
        verdict=verdict,
        sentence=sentence,
        where=where,
    )


def _verdict(
    metric: str,
    name: str,
    bound: BoundConfig,
    value: float,
    baseline: float | None,
    change_interval: intervals.Interval | None,
) -> tuple[Verdict, str]:
    checks = [
        (threshold.holds(value), sentences.value(name, value, threshold)) for threshold in thresholds.of_value(bound)
    ]
    allowed = thresholds.of_change(metric, bound)
    if allowed is not None and baseline is not None:
        sentence = sentences.change(metric, value, baseline, allowed.limit, change_interval, name)
        checks.append((allowed.holds(value - baseline), sentence))
    failures = [sentence for kept, sentence in checks if not kept]
    if failures:
        return "fail", " ".join(failures)
    words = [sentence for _, sentence in checks]
    if allowed is not None and baseline is None:
        words.append(sentences.loss_not_judged(name, allowed.limit))
    return ("ok" if checks else "not judged"), " ".join(words)


def _interval(metric: str, values: Mapping[str, float]) -> intervals.Interval | None:
    if metric in LIST_METRICS:
        return None
    measure, group = measures.split_metric(metric)
    if measure.removeprefix(config.DEFAULT_PREFIX) == "hr":
        shares = [
            (values.get(f"{measure}_{name}", math.nan), _count(values, name)) for name in measures.groups_of(metric)
        ]
        return intervals.newcombe(*shares[0], *shares[1]) if group == measures.DELTA else intervals.wilson(*shares[0])
    errors = [values.get(config.error_name(measure, name), math.nan) for name in measures.groups_of(metric)]
    normal = intervals.normal(values.get(metric, math.nan), *errors)
    return intervals.clip(normal, *measures.value_range(metric))


def _change_interval(metric: str, values: Mapping[str, float], change: float | None) -> intervals.Interval | None:
    if change is None or metric in LIST_METRICS:
        return None
    measure = measures.split_metric(metric)[0]
    errors = [values.get(config.change_error_name(measure, name), math.nan) for name in measures.groups_of(metric)]
    return intervals.normal(change, *errors)


def _count(values: Mapping[str, float], group: str) -> int:
    return int(values.get(config.count_name(group), 0))


def _targets(metric: str, values: Mapping[str, float]) -> int:
    return int(slices.targets_of(metric.removeprefix(config.DEFAULT_PREFIX), _count(values, "p"), _count(values, "n")))


def _defined(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _slice_row(values: measured.SliceValues) -> SliceRow:
    metrics, baseline = values.candidate, values.baseline
    return SliceRow(
        feature=values.feature,
        value=values.value,
        count_p=_count(metrics, "p"),
        count_n=_count(metrics, "n"),
        metrics={metric: _defined(metrics.get(metric)) for metric in measures.METRICS},
        baseline=None if baseline is None else {metric: _defined(baseline.get(metric)) for metric in measures.METRICS},
    )


def _slice_order(values: measured.SliceValues) -> tuple[str, int, str]:
    """Buckets in their own order, anything else by name."""
    known = slices.VALUES.get(values.feature, ())
    place = known.index(values.value) if values.value in known else len(known)
    return values.feature, place, values.value
