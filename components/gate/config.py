"""Which measures a model is gated on, and their bounds."""

import dataclasses
import json
from typing import Any, ClassVar

from components.gate import slices
from components.gate.bounds import BoundConfig as BoundConfig
from components.gate.bounds import check_range
from components.gate.responsiveness import ResponsivenessConfig
from components.gate.slices import SLICEABLE as SLICEABLE
from components.gate.slices import SliceBound, SliceBounds
from pnfrec_core import lists, measures
from pnfrec_core.settings.fields import CHOICES, EXAMPLE

# The same of the list that `serving_default` answers, which leaves a user's dislikes out and does not weigh them:
# another list where the rule of the export needs them. Measured where a bound names one of them, but for what looks
# at the items of the list.
DEFAULT_PREFIX = "default_"
DEFAULT_METRICS: tuple[str, ...] = tuple(
    DEFAULT_PREFIX + metric for metric in measures.METRICS if metric not in lists.LIST_METRICS
)
# The shares of the targets are the data's, whatever the model.
_OF_MODELS = tuple(metric for metric in measures.METRICS if metric not in lists.TARGET_SHARES)
MEASURED = (*measures.METRICS, *DEFAULT_METRICS)
BOUNDABLE = (*_OF_MODELS, *DEFAULT_METRICS)
# What a model says of its lists by outputs that exports of earlier versions do not have.
_TOLD_OF_LISTS = (lists.NOVELTY, lists.MISCALIBRATION)
# Name of the metric whose values these counts and errors are.
DETAILS = "ranking_details"


def count_name(group: str) -> str:
    """Name of the size of a group, which takes no bounds."""
    return f"count_{group}"


def error_name(measure: str, group: str) -> str:
    """Name of the standard error of a group's mean, for the intervals of the report."""
    return f"{measure}_{group}_se"


def change_error_name(measure: str, group: str) -> str:
    """The same of the difference candidate - baseline, example by example; only where there is a baseline."""
    return f"{measure}_{group}_change_se"


def is_default(metric: str) -> bool:
    """Whether a name is one of the list of `serving_default`."""
    return metric.startswith(DEFAULT_PREFIX)


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """The gate: what a model must reach to be pushed.

    Attributes:
        bounds: Metrics, each with its bounds. HR, NDCG and MRR (hr, ndcg, mrr) have a value for the group of liked
            targets (ndcg_p: higher is better), for that of disliked ones (ndcg_n: false positives, lower is better) and
            for the difference of the two (ndcg_delta). The lists of all have coverage, novelty and diversity (higher is
            better; the last where `feedback.titles` has groups), gini and miscalibration (lower is better), and their
            shares of popular and of rare items (list_head: lower is better; list_middle, list_tail: higher). `default_`
            before the name, such as default_ndcg_p, takes the list of `serving_default`, which weighs no dislikes; the
            metrics of the lists have no such name. At least one bound must be given, since TFX blesses nothing without
            one.
        k: The length of the list that the measures look at.
        slices: The features whose values get a line of their own in the report. Those of
            `bounds` hold for all examples together.
        slice_bounds: Bounds that hold for one slice, by feature, value and metric, such as
            `{target_popularity_bucket: {tail: {ndcg_p: {min: 0.001}}}}`.
        slice_min_targets: A bound on a slice is not judged where fewer targets than this stand behind its metric: those
            of the metric's group, of the smaller group for a difference, or of both together for a metric of the lists.
        baseline_history: From how many of the last blessed models the baseline of `max_loss` is taken: the best of
            them, so that small losses do not add up from day to day. The best is that by the first metric of `bounds`
            with a `max_loss`, by what each model changed on the examples that it was judged on. 1 takes the last.
        responsiveness: What a dislike has to do to the lists; null for no bound on it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    bounds: dict[str, BoundConfig] = dataclasses.field(
        metadata={CHOICES: BOUNDABLE, EXAMPLE: {"ndcg_delta": BoundConfig(min=0.0)}}
    )
    k: int = 10
    slices: list[str] = dataclasses.field(default_factory=lambda: list(SLICEABLE), metadata={CHOICES: SLICEABLE})
    slice_bounds: SliceBounds = dataclasses.field(default_factory=dict)
    slice_min_targets: int = 30
    baseline_history: int = 1
    responsiveness: ResponsivenessConfig | None = None

    def __post_init__(self) -> None:
        if not self.bounds:
            msg = "`gate.bounds` is empty: a gate without bounds blesses nothing. Bound at least `ndcg_p`."
            raise ValueError(msg)
        for metric, bound in self.bounds.items():
            _check_bound("gate.bounds", metric, bound)
        if self.k < 1:
            msg = f"`gate.k` must be at least 1. Received: {self.k}."
            raise ValueError(msg)
        for feature in self.slices:
            if feature not in SLICEABLE:
                msg = f"`gate.slices` names {feature!r}, which is no slice. Known: {', '.join(SLICEABLE)}."
                raise ValueError(msg)
        if len(set(self.slices)) < len(self.slices):
            # Each example of a slice would count as two.
            msg = f"`gate.slices` names a feature twice: {', '.join(self.slices)}. Name each once."
            raise ValueError(msg)
        if self.slice_min_targets < 1:
            msg = f"`gate.slice_min_targets` must be at least 1. Received: {self.slice_min_targets}."
            raise ValueError(msg)
        if self.baseline_history < 1:
            msg = f"`gate.baseline_history` must be 1, for the last, or more. Received: {self.baseline_history}."
            raise ValueError(msg)
        if self.baseline_history > 1 and not self.history_metric:
            msg = (
                f"`gate.baseline_history: {self.baseline_history}` takes the best of several models as the baseline of "
                "`max_loss`, and no metric of `gate.bounds` has one. Bound a loss, such as `ndcg_p: {max_loss: 0.01}`."
            )
            raise ValueError(msg)
        slices.check(self.slice_bounds, self.slices)
        for each in self.each_slice_bound:
            _check_bound(f"gate.slice_bounds.{each.feature}.{each.value}", each.metric, each.bound)

    @property
    def each_slice_bound(self) -> tuple[SliceBound, ...]:
        """The bounds on slices, one by one."""
        return slices.each_bound(self.slice_bounds)

    @property
    def judges_default(self) -> bool:
        """Whether a bound names a metric of the list of `serving_default`."""
        return any(map(is_default, self._bounded))

    @property
    def history_metric(self) -> str:
        """The metric by which the baseline is the best of several models; "" where no bound has a `max_loss`."""
        return next((metric for metric, bound in self.bounds.items() if bound.max_loss is not None), "")

    @property
    def asks_lists(self) -> bool:
        """Whether a bound compares with the baseline what exports of earlier versions do not tell of their lists."""
        return self._compares(_TOLD_OF_LISTS)

    @property
    def asks_groups(self) -> bool:
        """Whether a bound compares with the baseline how diverse the lists are, for which it must tell groups."""
        return self._compares((lists.DIVERSITY,))

    @property
    def bounds_groups(self) -> bool:
        """Whether a bound names how diverse the lists are, which is measured where items have groups alone."""
        return lists.DIVERSITY in self._bounded

    @property
    def reported(self) -> tuple[str, ...]:
        """Metrics of the report: `METRICS`, and of `DEFAULT_METRICS` those of each measure that a bound names."""
        bounded = {measures.split_metric(metric)[0] for metric in self._bounded if is_default(metric)}
        more = (metric for metric in DEFAULT_METRICS if measures.split_metric(metric)[0] in bounded)
        return (*measures.METRICS, *more)

    def _compares(self, metrics: tuple[str, ...]) -> bool:
        every = [*self.bounds.items(), *((each.metric, each.bound) for each in self.each_slice_bound)]
        return any(metric in metrics and bound.max_loss is not None for metric, bound in every)

    @property
    def _bounded(self) -> tuple[str, ...]:
        """The metrics that bounds name, of all examples or of a slice."""
        return (*self.bounds, *(each.metric for each in self.each_slice_bound))


def _check_bound(place: str, metric: str, bound: BoundConfig) -> None:
    """Raises a ValueError where `metric` takes no bounds, or not these."""
    if metric not in BOUNDABLE:
        msg = (
            f"`{place}` names the unknown metric {metric!r}. Known: {', '.join(_OF_MODELS)}; and those of hr, ndcg and "
            f"mrr with `{DEFAULT_PREFIX}` before, for the list of `serving_default`."
        )
        raise ValueError(msg)
    check_range(metric, bound, place)


def gate_to_json(gate: GateConfig) -> str:
    """JSON of `gate`, the same text for equal settings (TFX compares it to reuse results)."""
    return json.dumps(dataclasses.asdict(gate), sort_keys=True)


def gate_from_json(text: str) -> GateConfig:
    """The settings that `gate_to_json` wrote.

    Raises:
        ValueError: `text` is no JSON object or its settings are refused.
        TypeError: A key is unknown.
    """
    fields = json.loads(text)
    if not isinstance(fields, dict):
        msg = f"The gate's settings must be a JSON object. Received: {text!r}."
        raise ValueError(msg)
    bounds = {metric: BoundConfig(**bound) for metric, bound in fields.pop("bounds", {}).items()}
    by_feature = fields.pop("slice_bounds", {})
    slice_bounds = {
        feature: {
            value: {metric: BoundConfig(**bound) for metric, bound in by_metric.items()}
            for value, by_metric in by_value.items()
        }
        for feature, by_value in by_feature.items()
    }
    asked = fields.pop("responsiveness", None)
    responsiveness = None if asked is None else ResponsivenessConfig(**asked)
    return GateConfig(bounds=bounds, slice_bounds=slice_bounds, responsiveness=responsiveness, **fields)
