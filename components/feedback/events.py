"""`feedback.events`: input of several kinds, in files of their own or in one, each with what its rows mean."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from components.feedback.input_config import ColumnsConfig

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig


@dataclasses.dataclass(frozen=True)
class EventConfig:
    """One kind of event: its rows, and what they mean. One of `polarity`, `column`, `cancels` and `ignored` is set.

    Attributes:
        name: What the account and messages call it.
        files: The paths, folders or globs of its files, as in `feedback.files`.
        polarity: Each row is a "like" or a "dislike".
        column: The column that says it: like or dislike (or positive and negative, or 1 and 0), or a number where a
            bound below is set.
        like_from: Values of `column` from this number on are likes.
        dislike_below: Values of `column` below this number are dislikes. What neither bound names says nothing, and is
            left out.
        cancels: The names of events that a row takes back: those rows of the same user and item that come before it.
            It is no interaction itself.
        ignored: The rows that `where` names are left out, and counted without a warning.
        where: Which rows of these files are of it, where several events stand in one file: a column, and the value or
            the values that it has there, such as `{event_type: like}`. All events that name a file name the same
            column, and each value once. Rows that none of them names are left out, with a warning.
        columns: How the columns are named in these files, where it is otherwise than `feedback.columns` says.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    name: str
    files: list[str]
    polarity: Literal["like", "dislike"] | None = None
    column: str = ""
    like_from: float | None = None
    dislike_below: float | None = None
    cancels: list[str] = dataclasses.field(default_factory=list)
    ignored: bool = False
    where: dict[str, Any] = dataclasses.field(default_factory=dict)
    columns: ColumnsConfig | None = None

    def __post_init__(self) -> None:
        where = f"the event {self.name!r}"
        if not self.name.strip():
            msg = "an event has an empty `name`. Name it, such as 'likes'."
            raise ValueError(msg)
        if not self.files:
            msg = f"{where}: `files` is empty. Name at least one file, folder or glob."
            raise ValueError(msg)
        rules = [name for name in ("polarity", "column", "cancels", "ignored") if getattr(self, name)]
        if len(rules) != 1:
            found = " and ".join(f"`{name}`" for name in rules) or "none of them"
            msg = (
                f"{where}: set one of `polarity`, `column`, `cancels` and `ignored`, to say what a row is. Received: "
                f"{found}."
            )
            raise ValueError(msg)
        self._check_where(where)
        bounds = (self.like_from, self.dislike_below)
        if not all(bound is None or math.isfinite(bound) for bound in bounds):
            received = f"{self.like_from} and {self.dislike_below}"
            msg = f"{where}: `like_from` and `dislike_below` must be finite numbers. Received: {received}."
            raise ValueError(msg)
        if not self.column and bounds != (None, None):
            msg = f"{where}: `like_from` and `dislike_below` compare values of `column`. Set it, or leave them out."
            raise ValueError(msg)
        if self.like_from is not None and self.dislike_below is not None and self.dislike_below > self.like_from:
            msg = (
                f"{where}: `dislike_below` ({self.dislike_below:g}) is above `like_from` ({self.like_from:g}), so that "
                "values between them would be both. Lower it."
            )
            raise ValueError(msg)

    def _check_where(self, where: str) -> None:
        if self.ignored and not self.where:
            msg = f"{where}: `ignored` leaves out rows that `where` names. Set it, or leave out the event."
            raise ValueError(msg)
        if len(self.where) > 1:
            msg = f"{where}: `where` looks at one column. Received: {', '.join(self.where)}. Keep one of them."
            raise ValueError(msg)
        if self.where and not (self.where_column.strip() and self._values and all(map(_is_kind, self._values))):
            msg = (
                f"{where}: `where` is a column and what it holds in the rows of the event, a text, a whole number or a "
                f"boolean or a list of such, for example {{event_type: like}}. Received: {self.where}."
            )
            raise ValueError(msg)

    @property
    def where_column(self) -> str:
        """The column that `where` names; "" for none."""
        return next(iter(self.where), "")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The values that `where` names, in the text form that ids have."""
        return tuple(map(_text_of, self._values))

    @property
    def _values(self) -> list[Any]:
        values = self.where.get(self.where_column, [])
        return values if isinstance(values, list) else [values]

    @property
    def has_bounds(self) -> bool:
        """Whether `column` holds numbers to compare, and not words."""
        return self.like_from is not None or self.dislike_below is not None

    def meaning(self) -> dict[str, Any]:
        """All that decides what is read of a row of it."""
        return {name: getattr(self, name) for name in ("polarity", "column", "like_from", "dislike_below")}

    def shown(self) -> str:
        """What a row of it is, for people, where the row itself does not say so."""
        return f"takes back {', '.join(self.cancels)}" if self.cancels else ""


def _is_kind(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and bool(value.strip()))


def _text_of(kind: str | int | bool) -> str:
    return str(kind).lower() if isinstance(kind, bool) else str(kind).strip()


def check_events(events: Sequence[EventConfig], files: Sequence[str], positive: object) -> None:
    """Raises a ValueError for events that do not go together, or not with other keys of `feedback`."""
    if not events:
        return
    if files:
        msg = "`feedback.files` and `feedback.events` both name the input. Set one of the two."
        raise ValueError(msg)
    if positive != "column":
        msg = (
            f"`feedback.events` say what is liked, and `feedback.positive: {positive}` compares values. Set "
            "`feedback.positive: column`."
        )
        raise ValueError(msg)
    names = [event.name for event in events]
    for name in names:
        if names.count(name) > 1:
            msg = f"`feedback.events`: two events are named {name!r}. Give each a name of its own."
            raise ValueError(msg)
    opinions = [event.name for event in events if not (event.cancels or event.ignored)]
    if not opinions:
        msg = "`feedback.events` only take back: add one with `polarity` or `column`."
        raise ValueError(msg)
    for event in events:
        for name in event.cancels:
            if name not in opinions:
                ignored = any(each.ignored for each in events if each.name == name)
                why = "takes back itself" if name in names else "is none of the events"
                why = "is ignored" if ignored else why
                msg = (
                    f"`feedback.events`, {event.name!r}: `cancels` names {name!r}, which {why}. Known are "
                    f"{', '.join(map(repr, opinions))}."
                )
                raise ValueError(msg)


def event_of(settings: Mapping[str, Any]) -> EventConfig:
    """The event of what `dataclasses.asdict` made of it."""
    columns = settings["columns"]
    return EventConfig(**{**settings, "columns": None if columns is None else ColumnsConfig(**columns)})


def patterns_of(config: "FeedbackConfig") -> list[tuple[str, str]]:
    """Every path, folder or glob of the input, and the key that names it, in the order of the input."""
    of_events = [(file, "feedback.events") for event in config.events for file in event.files]
    at_random = [(file, "feedback.random_files") for file in config.random_files]
    return [*((file, "feedback.files") for file in config.files), *of_events, *at_random]


def with_paths(config: "FeedbackConfig", change: Callable[[str, str], str]) -> "FeedbackConfig":
    """The same settings with each of `patterns_of` changed. `change`: takes the path and the key."""
    files = [change(file, "feedback.files") for file in config.files]
    events = [
        dataclasses.replace(event, files=[change(file, "feedback.events") for file in event.files])
        for event in config.events
    ]
    at_random = [change(file, "feedback.random_files") for file in config.random_files]
    return dataclasses.replace(config, files=files, events=events, random_files=at_random)
