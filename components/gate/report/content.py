"""The report as data: what was measured, what was required, and the verdict."""

import dataclasses
import json
from typing import Any, Literal

from components.gate.report.intervals import Interval

Verdict = Literal["ok", "fail", "not judged"]


@dataclasses.dataclass(frozen=True)
class Row:
    """One metric over all examples, or over those of a slice that a bound names.

    Attributes:
        metric: Its name.
        value: None where it is undefined: its group is empty.
        examples: Examples that it is the mean of; for a difference those of both groups, for coverage all.
        interval: 95 % interval of the value.
        min: Least allowed value, if any.
        max: Greatest allowed value, if any.
        max_loss: How much worse than the baseline the value may be, if bounded.
        baseline: Value of the last blessed model on the same examples; None where there is none or it is undefined.
        change: Value less baseline.
        change_interval: 95 % interval of the change, example by example.
        verdict: "fail" if any bound fails; "not judged" where no bound was judged.
        sentence: The reason.
        where: Feature and value of the slice, such as `target_popularity_bucket = tail`; "" for all examples.
    """

    metric: str
    value: float | None
    examples: int
    interval: Interval | None
    min: float | None
    max: float | None
    max_loss: float | None
    baseline: float | None
    change: float | None
    change_interval: Interval | None
    verdict: Verdict
    sentence: str
    where: str = ""

    @property
    def name(self) -> str:
        """The metric, with the slice if it is of one."""
        return f"{self.metric} in {self.where}" if self.where else self.metric

    @property
    def bounds(self) -> tuple[str, ...]:
        """What was required, such as `>= 0.05` and `loss <= 0.01`."""
        limits = ((">= ", self.min), ("<= ", self.max), ("loss <= ", self.max_loss))
        return tuple(f"{sign}{limit:g}" for sign, limit in limits if limit is not None)


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """Metrics of the examples with one value of a feature. Bounds that hold for it are among `Report.slice_rows`.

    Attributes:
        feature: The feature.
        value: Its value.
        count_p: Examples of the positive group.
        count_n: Examples of the negative group.
        metrics: Value by metric; None is undefined.
        baseline: The last blessed model's, None where there is none.
    """

    feature: str
    value: str
    count_p: int
    count_n: int
    metrics: dict[str, float | None]
    baseline: dict[str, float | None] | None


@dataclasses.dataclass(frozen=True)
class AtRandom:
    """The same measures of what was shown at random (`test_random`), by which nothing is judged.

    Attributes:
        count_p: Examples of the positive group.
        count_n: Examples of the negative group.
        rows: The metrics; empty where there is no example.
    """

    count_p: int
    count_n: int
    rows: tuple[Row, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """Verdict of the gate.

    Attributes:
        blessed: Whether the model may be pushed.
        headline: The verdict and its reason.
        notes: What a reader has to know besides.
        agrees: False where the report and TFX's blessing contradict each other. Such a model is not blessed.
        k: Length of the list that the measures look at.
        count_p: Examples of the positive group.
        count_n: Examples of the negative group.
        has_baseline: Whether there was a last blessed model to compare with.
        model: Where the model under test lies.
        baseline_model: Where the last blessed one lies, or "".
        rows: The metrics.
        slices: The slices.
        slice_rows: The metrics of slices that are bounded.
        response_rows: What a dislike does, where that is bounded.
        at_random: Of what was shown at random; None where the feedback has no such log.
        threshold: Values from it on are likes, to this model; None where no one value says it, or it is not recorded.
    """

    blessed: bool
    headline: str
    notes: tuple[str, ...]
    agrees: bool
    k: int
    count_p: int
    count_n: int
    has_baseline: bool
    model: str
    baseline_model: str
    rows: tuple[Row, ...]
    slices: tuple[SliceRow, ...]
    slice_rows: tuple[Row, ...] = ()
    response_rows: tuple[Row, ...] = ()
    at_random: AtRandom | None = None
    threshold: float | None = None

    @property
    def failures(self) -> tuple[Row, ...]:
        return tuple(row for row in self._every if row.verdict == "fail")

    @property
    def bounded(self) -> tuple[Row, ...]:
        """What the gate asks for, of all examples, of slices and of what a dislike does."""
        return tuple(row for row in self._every if row.bounds)

    @property
    def _every(self) -> tuple[Row, ...]:
        return (*self.rows, *self.slice_rows, *self.response_rows)


def to_json(report: Report) -> str:
    """JSON of `report`; undefined numbers are null, and there is `at_random` where that was measured."""
    fields = dataclasses.asdict(report)
    if report.at_random is None:
        del fields["at_random"]
    return json.dumps(fields, indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """The report that `to_json` wrote.

    Raises:
        ValueError: `text` is no such report.
    """
    try:
        fields = json.loads(text)
        rows = tuple(_read_row(row) for row in fields.pop("rows"))
        slices = tuple(SliceRow(**part) for part in fields.pop("slices"))
        bounded = tuple(_read_row(row) for row in fields.pop("slice_rows", ()))
        responses = tuple(_read_row(row) for row in fields.pop("response_rows", ()))
        at_random = _read_random(fields.pop("at_random", None))
        texts = tuple(fields.pop("notes"))
        return Report(
            rows=rows,
            slices=slices,
            slice_rows=bounded,
            response_rows=responses,
            at_random=at_random,
            notes=texts,
            **fields,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        msg = f"This is no report of the gate: {error}."
        raise ValueError(msg) from error


def _read_random(fields: dict[str, Any] | None) -> AtRandom | None:
    if fields is None:
        return None
    return AtRandom(**{**fields, "rows": tuple(map(_read_row, fields["rows"]))})


def _read_row(fields: dict[str, Any]) -> Row:
    for name in ("interval", "change_interval"):
        if fields[name] is not None:
            fields[name] = Interval(*fields[name])
    return Row(**fields)
