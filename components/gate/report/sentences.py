"""The report's reasons in words."""

import math
from collections.abc import Sequence

from components.gate import config, thresholds
from components.gate.report.content import Row
from components.gate.report.intervals import Interval
from components.gate.responsiveness import METRIC, Response, ResponsivenessConfig
from components.gate.slices import SliceBound
from pnfrec_core import measures
from pnfrec_core.lists import LIST_METRICS

DEFAULT_NOT_JUDGED = (
    "The model ranks by what a user dislikes. serving_default does not weigh that, so it answers with another list, "
    f"which this gate does not judge: add bounds such as {config.DEFAULT_PREFIX}ndcg_p."
)
SEVERAL_TARGETS = (
    "Several targets of one user stand behind the measures (`feedback.targets: successive`). Intervals take them for "
    "independent of each other, and so are too narrow; those of a study draw whole users."
)
NO_BASELINE = "No blessed model yet: change bounds are not judged."

_EMPTY_GROUP = "An empty group fails the gate, whatever the bounds."
_EMPTY = "An undefined metric fails every bound."
_GROUP_NAMES = {measures.POSITIVE_GROUP: "positive", measures.NEGATIVE_GROUP: "negative"}
# What a value is to its limit: where it is allowed, and where it is not.
_RELATIONS = {"min": ("at least", "below"), "max": ("at most", "above")}


def value(metric: str, number: float, threshold: thresholds.Threshold) -> str:
    """What the value of `metric` is to a threshold of it."""
    allowed, refused = _RELATIONS[threshold.key]
    shown = f"{metric} is {number:.{_digits(number, threshold.limit)}f}"
    if threshold.holds(number):
        return f"{shown}, {allowed} {threshold.limit:g} as required."
    return f"{shown}, {refused} the bound of {threshold.limit:g}."


def change(
    metric: str, number: float, baseline: float, max_loss: float, interval: Interval | None, name: str = ""
) -> str:
    """What the value of `metric`, called `name`, is to that of the last blessed model."""
    name = name or metric
    difference = number - baseline
    if math.isnan(difference):
        return f"{name} cannot be compared: it is undefined for the last blessed model. {_EMPTY}"
    if difference == 0:
        words = f"{name} is the same as in the last blessed model"
    else:
        digits = _digits(abs(difference), max_loss)
        words = f"{name} {'rose' if difference > 0 else 'fell'} by {abs(difference):.{digits}f}"
        words += f" from the last blessed model's {baseline:.4f}"
    if interval is not None:
        words += f" (95 % interval of the change {interval.low:+.4f} to {interval.high:+.4f})"
    worse = "lower" if measures.higher_is_better(metric) else "higher"
    return f"{words}; it may be at most {max_loss:g} {worse}."


def loss_not_judged(metric: str, max_loss: float) -> str:
    return f"No baseline to compare with: the loss of {metric} (at most {max_loss:g}) is not judged."


def too_few(each: SliceBound, targets: int, least: int) -> str:
    """Why a bound on a slice is not judged."""
    of_group: dict[tuple[str, ...], str] = {(group,): f" of the {name} group" for group, name in _GROUP_NAMES.items()}
    metric = each.metric.removeprefix(config.DEFAULT_PREFIX)
    whose = "" if metric in LIST_METRICS else of_group.get(measures.groups_of(metric), " of its smaller group")
    has = f"{targets} target{'s' if targets != 1 else ''}{whose}" if targets else f"no target{whose}"
    return f"{each.name} is not judged: the slice has {has}, and `gate.slice_min_targets` asks for {least}."


def no_bound(metric: str) -> str:
    return f"{metric} has no bound."


def left_out(gate: config.GateConfig) -> str:
    """Why a blessed model is no baseline."""
    lacks = f"fewer than {gate.k} items of each list"
    if gate.asks_lists:
        lacks += ", or, as exports of earlier versions do, not how popular these and the targets are"
    if gate.asks_groups:
        lacks += ", or, as exports of earlier versions do, no groups of these"
    if gate.judges_default:
        lacks += ", or, as exports of earlier versions do, no ranks of targets in the list of serving_default"
    return f"The last blessed model reports {lacks}, so it cannot be compared: change bounds are not judged this time."


def gone(places: Sequence[str], has_older: bool) -> str:
    """Which blessed models are no baseline since their files are gone, and what is compared with in their place."""
    models = "last blessed model" if len(places) == 1 else f"last {len(places)} blessed models"
    then = "the one blessed before is taken for the last" if has_older else "change bounds are not judged this time"
    return f"The files of the {models} are gone ({', '.join(places)}), so {then}."


def best_of_history(gate: config.GateConfig) -> str:
    """What is compared with where it is not the last blessed model."""
    return (
        f"The last blessed model is here the best of the last {gate.baseline_history}, by {gate.history_metric} "
        "(`gate.baseline_history`)."
    )


def undefined(metric: str, empty_groups: list[str], bounded: bool, fails: bool) -> str:
    """Why `metric` has no value: which groups have no example."""
    names = " or of the ".join(_GROUP_NAMES[group] for group in empty_groups)
    missing = "list that tells it" if metric.partition(" ")[0] in LIST_METRICS else f"example of the {names} group"
    words = f"{metric} is undefined: the evaluated split has no {missing}."
    if fails and not bounded:
        return f"{words} {_EMPTY_GROUP}"
    return f"{words} {_EMPTY}" if bounded else words


def response(found: Response, bound: ResponsivenessConfig) -> str:
    """What a dislike does, beside what it has to do."""
    if found.value is None:
        return (
            f"{METRIC} is undefined: no disliked target of the evaluated split has a near item in a list. What is "
            "undefined fails its bound."
        )
    lists = ""
    if found.copy_before is not None and found.copy_after is not None:
        lists = (
            f" The nearest one of all stands in {100 * found.copy_before:.1f} % of the lists before the dislike, and "
            f"in {100 * found.copy_after:.1f} % after it."
        )
    says = "is not" if found.holds(bound) else "is"
    return (
        f"{METRIC} {found.value:.4f} {says} below its `min` of {bound.min:g}: so far, in log2 of the rank, fall the "
        f"items nearest to what a user dislikes, over {found.targets:,} dislikes, against others that stood as "
        f"high.{lists}"
    )


def headline(rows: tuple[Row, ...], agrees: bool, has_baseline: bool) -> str:
    """The verdict and its reason, or the names of what failed where there are several."""
    failures = [row for row in rows if row.verdict == "fail"]
    if not agrees:
        return "NOT BLESSED: this report and TFX's blessing contradict each other."
    if failures:
        if unbounded := [row for row in failures if not row.bounds]:
            return f"NOT BLESSED: {unbounded[0].sentence}"
        bounded = sum(bool(row.bounds) for row in rows)
        names = ", ".join(row.name for row in failures)
        reason = failures[0].sentence if len(failures) == 1 else f"They are {names}."
        return f"NOT BLESSED: {len(failures)} of {bounded} bounded metrics failed. {reason}"
    judged = sum(row.verdict == "ok" for row in rows)
    if not judged:
        return "BLESSED: only changes are bounded, and there is no baseline to compare with."
    against = "" if has_baseline else " There was no baseline to compare with."
    if judged == 1:
        return f"BLESSED: the one bounded metric that could be judged is within its bounds.{against}"
    return f"BLESSED: all {judged} bounded metrics that could be judged are within their bounds.{against}"


def disagreement(passed: bool, validation_ok: bool, blessing: bool | None, failures: tuple[str, ...]) -> str:
    """What the report, TFMA's validation and TFX's blessing say, where they differ."""
    words = {True: "passes", False: "fails"}
    said = {True: "blessed", False: "not blessed", None: "absent"}[blessing]
    return (
        f"By this report the model {words[passed]}, by TFMA's validation it {words[validation_ok]}, and TFX's "
        f"blessing is {said}. The model counts as not blessed. Were the Evaluator and this report given the same "
        f"bounds? TFMA's failures: {'; '.join(failures) or 'none'}."
    )


def _digits(number: float, limit: float) -> int:
    """Digits behind the point, 4 to 9, that show `number` and `limit` to differ."""
    return next((digits for digits in range(4, 10) if round(number, digits) != round(limit, digits)), 4)
