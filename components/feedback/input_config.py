"""What the tables of the input are called: columns of the feedback, and the table of titles."""

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

# How a quote inside a quoted field of a CSV file is written: twice, or behind a backslash.
Quotes = Literal["auto", "doubled", "backslash"]

# What the columns hold, by their roles.
_HELD = {
    "user": "users",
    "item": "items",
    "timestamp": "times",
    "value": "values",
    "polarity": "polarities",
    "split": "splits",
}
_FORBID: dict[str, Any] = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class ColumnsConfig:
    """The names of the columns in the input. `polarity` and `split` are read only where a rule needs them.

    Attributes:
        user: The column of user ids.
        item: The column of item ids.
        value: The column of the values that `feedback.positive` compares, such as ratings.
        timestamp: The column that says when an interaction was.
        polarity: The column that says like or dislike (or positive and negative, or 1 and 0), for
            `feedback.positive: column`.
        split: The column that says train, validation or test, for `feedback.split: column`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    user: str = "user"
    item: str = "item"
    value: str = "value"
    timestamp: str = "timestamp"
    polarity: str = "polarity"
    split: str = "split"

    def check(self, roles: Iterable[str]) -> None:
        """Raises for one column in two roles: what is an id, a value or a time at once is one of them by mistake."""
        taken: dict[str, str] = {}
        for role in roles:
            name = getattr(self, role)
            if name in taken:
                msg = (
                    f"`feedback.columns.{taken[name]}` and `feedback.columns.{role}` both name the column {name!r}. "
                    f"Name the column of {_HELD[taken[name]]} and the column of {_HELD[role]}."
                )
                raise ValueError(msg)
            taken[name] = role


@dataclasses.dataclass(frozen=True)
class TitlesConfig:
    """A table of items: titles for display, and groups. Items without a row there have neither.

    Attributes:
        file: The path of the table; a relative one counts from `feedback.base`.
        item: The column of item ids.
        title: The column of titles.
        group: The column of groups (category, brand, artist); a query may cap how many items of one group come back.
            The text of a cell is one group, whatever signs it holds. It may be left out.
        names: The names of the columns, for a file without a header.
        delimiter: The character between the columns of a CSV file.
        quotes: How a quote inside a quoted field is written, as in `feedback.quotes`.
        encoding: How letters beyond ASCII are written in a text file, such as `cp1252` or `latin-1` of older tables.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    file: str
    item: str = "item"
    title: str = "title"
    group: str | None = None
    names: list[str] = dataclasses.field(default_factory=list)
    delimiter: str = ","
    quotes: Quotes = "auto"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        try:
            # Names of columns and what separates fields are looked for as ASCII.
            ascii_is_kept = "a,;|\n".encode(self.encoding) == b"a,;|\n"
        except (LookupError, UnicodeError):
            ascii_is_kept = False
        if not ascii_is_kept:
            msg = (
                f"`feedback.titles.encoding`: {self.encoding!r} is no encoding of text that holds ASCII as it is. Name "
                "one that Python knows, such as utf-8, cp1252 or latin-1; save files of other encodings as UTF-8."
            )
            raise ValueError(msg)

    def columns(self) -> list[str]:
        """The columns to read, each once."""
        wanted = [self.item, self.title, *([] if self.group is None else [self.group])]
        return list(dict.fromkeys(wanted))
