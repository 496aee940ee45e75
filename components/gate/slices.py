"""The slices that the report may have, and the bounds that hold for one of them alone."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from components.gate.bounds import BoundConfig
from pnfrec_core import measures, popularity, schema
from pnfrec_core.lists import LIST_METRICS

# The values of each feature that examples are sliced by, in their order.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    schema.HISTORY_LENGTH_BUCKET: (
        *(name for name, _ in schema.HISTORY_LENGTH_BUCKETS),
        schema.HISTORY_LENGTH_OVERFLOW,
    ),
    schema.TARGET_POPULARITY_BUCKET: popularity.BUCKETS,
}
SLICEABLE: Final[tuple[str, ...]] = tuple(VALUES)

# Feature, to one of its values, to metrics with their bounds.
SliceBounds = dict[str, dict[str, dict[str, BoundConfig]]]


class SliceBound(NamedTuple):
    """A bound of one metric on one slice."""

    feature: str
    value: str
    metric: str
    bound: BoundConfig

    @property
    def name(self) -> str:
        """What the report and TFMA's failures call it."""
        return f"{self.metric} in {self.feature} = {self.value}"


def each_bound(bounds: SliceBounds) -> tuple[SliceBound, ...]:
    """The bounds one by one, features and values in their own order."""
    return tuple(
        SliceBound(feature, value, metric, bound)
        for feature, values in VALUES.items()
        for value in values
        for metric, bound in bounds.get(feature, {}).get(value, {}).items()
    )


def check(bounds: SliceBounds, reported: list[str]) -> None:
    """Raises a ValueError where bounds name what is no slice, or a slice that is not `reported`."""
    for feature, by_value in bounds.items():
        if feature not in SLICEABLE:
            msg = f"`gate.slice_bounds` names {feature!r}, which is no slice. Known: {', '.join(SLICEABLE)}."
            raise ValueError(msg)
        if feature not in reported:
            msg = f"`gate.slice_bounds` names {feature!r}, which `gate.slices` leaves out: add it there."
            raise ValueError(msg)
        if not by_value:
            msg = f"`gate.slice_bounds.{feature}` is empty: name one of its values, {', '.join(VALUES[feature])}."
            raise ValueError(msg)
        for value, by_metric in by_value.items():
            if value in VALUES[feature] and not by_metric:
                place = f"gate.slice_bounds.{feature}.{value}"
                msg = f"`{place}` bounds nothing: name a metric and its bound, or leave it out."
                raise ValueError(msg)
            if value not in VALUES[feature]:
                msg = (
                    f"`gate.slice_bounds.{feature}` names {value!r}, which is none of its values. Known: "
                    f"{', '.join(VALUES[feature])}."
                )
                raise ValueError(msg)


def targets_of(metric: str, count_p: float, count_n: float) -> float:
    """How many targets stand behind a metric: those of its group, of the smaller group, or of a metric of lists all."""
    if metric in LIST_METRICS:
        return count_p + count_n
    counts = {measures.POSITIVE_GROUP: count_p, measures.NEGATIVE_GROUP: count_n}
    return min(counts[group] for group in measures.groups_of(metric))
