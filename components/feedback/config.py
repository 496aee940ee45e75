"""What is read, what counts as positive, what is dropped and how the rows are split."""

import dataclasses
import json
import math
from typing import Any, ClassVar, Literal

from components.feedback.drift.config import DriftConfig
from components.feedback.events import EventConfig, check_events, event_of, patterns_of
from components.feedback.input_config import ColumnsConfig, Quotes, TitlesConfig
from components.feedback.plausibility.limits import LimitsConfig
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.rules.caps import CapsConfig
from components.feedback.rules.splits import SPLIT_RULES, SplitRule
from components.feedback.spans.config import SpansConfig, check_placeholders
from pnfrec_columns.units import AUTO, ORDER, TimeReading, TimeUnit, duration_of, moment_of
from pnfrec_core.settings.fields import CHOICES, EXAMPLE

_FORBID: dict[str, Any] = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class FeedbackConfig:
    """The data protocol (spec, section 1).

    Ids are kept as they are written, without blanks around them, and must not be empty. Timestamps are whole numbers,
    which are kept as they are (one unit for all rows), seconds with a fraction or dates, which become microseconds
    (UTC where they name no zone); none may lie in the year 2200 or later. A user's rows are in the order of their
    timestamps, and ties in the order of the input: files sorted by path, then rows.

    Attributes:
        files: The paths, folders or globs of CSV, `::`-separated (.dat) or Parquet files. Text may be compressed (.gz,
            .bz2, .xz, .zst). Of a folder all files count, and as with a glob none whose name, or whose folder's name,
            begins with `_` or `.`. Folders that are named like `column=value` are columns. Relative ones count from
            `base`. With `{SPAN}`, or `{YYYY}`, `{MM}` and `{DD}`, a path stands for one span or day after another, and
            `{VERSION}` for its versions, of which the newest counts. With `events` they are left out.
        events: Several kinds of events in place of `files`, each with files of its own, or rows of its own in a file
            that several share (`where`), and what these mean. The order by time is that of all together; of a user's
            events at one time, the one that stands first here comes first. It needs `positive: column`.
        random_files: Files of what was shown at random, with the columns of `files`. They are in no training, no count
            and no filter: their rows from the time of the split on are the targets of a further set, `test_random`, for
            "global_time".
        spans: Which of the spans or days are read, of all files that have any.
        keep_read: Whether what was read of the files is kept for the next run.
        format: "csv", "dat" or "parquet"; "auto" takes it from the suffix.
        delimiter: The character between the columns of CSV files.
        quotes: How a quote inside a quoted field of a CSV file is written: "doubled", as the format wants it, or behind
            a "backslash", as Spark does. "auto" reads the former and stops at what looks like the latter.
        names: The names of the columns, for files without a header.
        time_unit: What whole numbers in the timestamp column count: "days", "hours", "minutes", "seconds",
            "milliseconds", "microseconds" or "nanoseconds" since 1970, "fractional_seconds", or nothing but the
            "order" of the rows. "auto" tells one from seconds on by their size, and stops at dates such as 20130815.
        time_format: How dates in the timestamp column are written, in the signs of Python's strptime, such as
            "%d.%m.%Y" or "%Y%m%d"; empty for ISO dates and for numbers.
        columns: How the columns are named.
        titles: A table of items with titles for display; items without a row there have no title. It may be left out.
        positive: What counts as positive: a number (values of at least that number), "median" (of all training rows),
            "user_median" (of each user's own training rows) or "column" (the polarity column says it, or the event).
        duplicates: Which of several rows of one user and item stay: "all", or the user's "first" or "last". With
            "last", held-out rows take none away from training, where the last one before them stays.
        min_item_users: Items with fewer distinct users are dropped, once. This filter and the next one act before the
            split and on the rows of every set, so held-out rows are counted and dropped too, with the split "column"
            as well: there, 1 for both keeps the rows as the column divides them.
        min_user_items: After that, users with fewer distinct items are dropped, once.
        split: The rule that says which rows are held out for validation and test.
        test_quantile: Rows from this quantile (nearest) of all timestamps on are held out, for "global_time".
        split_time: Rows from this moment on are held out instead, for "global_time": an ISO date (UTC where it names no
            zone), or a number in the unit of the timestamps.
        gap: Rows of that long before the time of the split are for nothing, neither training nor targets nor histories,
            for "global_time": as if a model took that long until it serves. A number in the unit of the timestamps, or
            a text such as "30 minutes" or "1 day", as dates and seconds with a fraction need it. With 0 there is none.
        recent_days: Positive training rows of the last so many days of training, before the held-out rows and the gap,
            are counted for each item, for `export.recency` and with the split "global_time". With 0 none are.
        split_seed: The seed that decides which half of the held-out users is validation and which is test. Halved are
            the users with held-out rows whose user and item training knows, before `min_positives` drops any of them.
        min_positives: Users with fewer positive training rows are dropped from every set.
        validation_targets: "positive" targets only (the paper's rule), or "both" groups, so that choices that weigh
            false positives can be made on validation.
        min_heldout_positives: Users with fewer positive rows in the validation or the test split have no target
            there. The reference's stricter rule is 2.
        targets: "last" makes the very last held-out interaction of a user the target; "successive" makes each held-out
            interaction a target, and measures then average over targets.
        max_leaked_targets: The largest share of the validation targets, and of the test targets, that may be trained on
            for the very same user, or have later training rows of that user. Beyond it the run stops.
        limits: Beyond which share a finding about the feedback becomes a warning.
        drift: How the newest day is compared with the days before.
        caps: How much of one user's feedback the examples hold.
        bad_rows: "error" stops at the first row that cannot be used; "drop" drops and counts such rows.
        shards: The number of files of a split; users are spread over them by hash. With 0 it is one for each 250,000
            rows of input.
        base: The folder that the relative paths of this section count from. It counts from the YAML file.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    files: list[str] = dataclasses.field(default_factory=list, metadata={EXAMPLE: ["ratings.csv"]})
    events: list[EventConfig] = dataclasses.field(default_factory=list)
    random_files: list[str] = dataclasses.field(default_factory=list)
    spans: SpansConfig = dataclasses.field(default_factory=SpansConfig)
    keep_read: KeepReadConfig = dataclasses.field(default_factory=KeepReadConfig)
    format: Literal["auto", "csv", "dat", "parquet"] = "auto"
    delimiter: str = ","
    quotes: Quotes = "auto"
    names: list[str] = dataclasses.field(default_factory=list)
    time_unit: TimeUnit = AUTO
    time_format: str = ""
    columns: ColumnsConfig = dataclasses.field(default_factory=ColumnsConfig)
    titles: TitlesConfig | None = None
    positive: float | Literal["median", "user_median", "column"] = "median"
    duplicates: Literal["all", "first", "last"] = "all"
    min_item_users: int = 5
    min_user_items: int = 5
    split: str = dataclasses.field(
        default="global_time", metadata={CHOICES: lambda: {name: rule.summary for name, rule in SPLIT_RULES.items()}}
    )
    test_quantile: float = 0.9
    split_time: str | int | None = None
    gap: str | int = 0
    recent_days: float = 0.0
    split_seed: int = 42
    min_positives: int = 2
    validation_targets: Literal["positive", "both"] = "positive"
    min_heldout_positives: int = 0
    targets: Literal["last", "successive"] = "last"
    max_leaked_targets: float = 0.5
    limits: LimitsConfig = dataclasses.field(default_factory=LimitsConfig)
    drift: DriftConfig = dataclasses.field(default_factory=DriftConfig)
    caps: CapsConfig = dataclasses.field(default_factory=CapsConfig)
    bad_rows: Literal["error", "drop"] = "error"
    shards: int = 0
    base: str = "."

    @property
    def patterns(self) -> list[str]:
        """Every path, folder or glob of the input, in its order."""
        return [pattern for pattern, _ in patterns_of(self)]

    @property
    def time_reading(self) -> TimeReading:
        """How timestamps are read."""
        return TimeReading(self.time_unit, self.time_format)

    @property
    def split_rule(self) -> SplitRule:
        """The rule that `split` names."""
        return SPLIT_RULES[self.split](self)

    def __post_init__(self) -> None:
        check_events(self.events, self.files, self.positive)
        if not (self.files or self.events):
            msg = "`feedback.files` is empty: name at least one file, folder or glob."
            raise ValueError(msg)
        for pattern, key in patterns_of(self):
            if not pattern.strip():
                msg = (
                    f"`{key}` has an empty path, as if the whole of `feedback.base` were meant. Received: {pattern!r}."
                )
                raise ValueError(msg)
        check_placeholders(patterns_of(self), None if self.titles is None else self.titles.file, self.spans)
        if len(self.delimiter) != 1:
            msg = f"`feedback.delimiter` must be one character. Received: {self.delimiter!r}. For `::` use format: dat."
            raise ValueError(msg)
        self._check_numbers()
        self._check_times()
        self._check_split()
        self.columns.check(self.roles)

    def _check_numbers(self) -> None:
        if isinstance(self.positive, float) and not math.isfinite(self.positive):
            msg = f"`feedback.positive` must be a finite number. Received: {self.positive}."
            raise ValueError(msg)
        if not 0.0 < self.test_quantile < 1.0:
            msg = f"`feedback.test_quantile` must lie between 0 and 1. Received: {self.test_quantile}."
            raise ValueError(msg)
        if not 0.0 <= self.recent_days < math.inf:
            msg = f"`feedback.recent_days` must be 0 or more and finite. Received: {self.recent_days}."
            raise ValueError(msg)
        if not 0.0 <= self.max_leaked_targets <= 1.0:
            msg = f"`feedback.max_leaked_targets` must be a share from 0 to 1. Received: {self.max_leaked_targets}."
            raise ValueError(msg)
        for name in ("min_item_users", "min_user_items", "min_positives", "min_heldout_positives", "shards"):
            if getattr(self, name) < 0:
                msg = f"`feedback.{name}` must not be negative. Received: {getattr(self, name)}."
                raise ValueError(msg)

    def _check_times(self) -> None:
        if self.time_format and "%" not in self.time_format:
            msg = f"`feedback.time_format` must hold signs such as %Y, %m and %d. Received: {self.time_format!r}."
            raise ValueError(msg)
        if self.time_format and self.time_unit != AUTO:
            msg = (
                f"`feedback.time_format` reads dates, and `feedback.time_unit: {self.time_unit}` numbers. Set one of "
                "the two."
            )
            raise ValueError(msg)
        if self.time_unit == ORDER:
            moments = {"recent_days": bool(self.recent_days)}
            moments |= {name: isinstance(getattr(self, name), str) for name in ("split_time", "gap")}
            for name in (name for name, needed in moments.items() if needed):
                msg = (
                    f"`feedback.{name}` needs moments, and with `feedback.time_unit: {ORDER}` the timestamps are none. "
                    "Leave one of the two out."
                )
                raise ValueError(msg)
        self._check_gap()
        if isinstance(self.split_time, str):
            try:
                moment_of(self.split_time)
            except ValueError as error:
                msg = (
                    "`feedback.split_time` must be an ISO date such as 2024-05-01 or 2024-05-01T06:00:00Z, or a whole "
                    f"number in the unit of the timestamps. Received: {self.split_time!r}."
                )
                raise ValueError(msg) from error

    def _check_gap(self) -> None:
        try:
            is_one = (duration_of(self.gap) if isinstance(self.gap, str) else self.gap) >= 0
        except ValueError:
            is_one = False
        if not is_one:
            msg = (
                "`feedback.gap` must be a whole number of at least 0 in the unit of the timestamps, or a text such as "
                f"'30 minutes', '36 hours' or '1 day'. Received: {self.gap!r}."
            )
            raise ValueError(msg)

    def _check_split(self) -> None:
        if self.split not in SPLIT_RULES:
            known = "; ".join(f"{name} ({rule.summary})" for name, rule in SPLIT_RULES.items())
            msg = f"`feedback.split` must be the name of a rule. Received: {self.split!r}. Known: {known}."
            raise ValueError(msg)
        rule = self.split_rule
        if self.recent_days and "recent_days" not in rule.settings:
            msg = (
                "`feedback.recent_days` counts back from the time that `feedback.split: "
                f"{rule.names_that_read('recent_days')}` cuts at; {rule.name} has none. Set `feedback.recent_days` to "
                "0."
            )
            raise ValueError(msg)
        if self.split_time is not None and "split_time" not in rule.settings:
            msg = (
                f"`feedback.split_time` is where `feedback.split: {rule.names_that_read('split_time')}` cuts; "
                f"{rule.name} has no such time. Leave `feedback.split_time` out."
            )
            raise ValueError(msg)
        if self.random_files and "random_files" not in rule.settings:
            msg = (
                f"`feedback.random_files` are tested on from the time that `feedback.split: "
                f"{rule.names_that_read('random_files')}` cuts at; {rule.name} has none. Leave them out."
            )
            raise ValueError(msg)
        if self.gap and "gap" not in rule.settings:
            msg = (
                f"`feedback.gap` lies before the time that `feedback.split: {rule.names_that_read('gap')}` cuts at; "
                f"{rule.name} has none. Leave `feedback.gap` out."
            )
            raise ValueError(msg)

    @property
    def roles(self) -> tuple[str, ...]:
        """The keys of `feedback.columns` whose columns the rules read."""
        value = "polarity" if self.positive == "column" else "value"
        return ("user", "item", "timestamp", value, *self.split_rule.columns)


def to_json(config: FeedbackConfig) -> str:
    """The settings in the form in which they travel through TFX."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> FeedbackConfig:
    """The settings that `to_json` wrote."""
    settings: dict[str, Any] = json.loads(text)
    settings["columns"] = ColumnsConfig(**settings["columns"])
    settings["spans"] = SpansConfig(**settings["spans"])
    settings["keep_read"] = KeepReadConfig(**settings["keep_read"])
    settings["limits"] = LimitsConfig(**settings["limits"])
    settings["drift"] = DriftConfig(**settings["drift"])
    settings["caps"] = CapsConfig(**settings["caps"])
    settings["events"] = [event_of(each) for each in settings["events"]]
    if settings["titles"] is not None:
        settings["titles"] = TitlesConfig(**settings["titles"])
    return FeedbackConfig(**settings)


__all__ = ["ColumnsConfig", "EventConfig", "FeedbackConfig", "TitlesConfig", "from_json", "to_json"]
