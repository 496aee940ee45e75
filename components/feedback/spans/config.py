"""Which spans are read."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from components.feedback.spans.pattern import check_pattern, has_placeholder

_FORBID: dict[str, Any] = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class SpansConfig:
    """Which of the spans, or days, that the files are found by `{SPAN}` or `{YYYY}`, `{MM}` and `{DD}` are read.

    Attributes:
        newest: The number of spans that are read, counted back from the newest one that is there. With 0 all are.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    newest: int = 0

    def __post_init__(self) -> None:
        if self.newest < 0:
            msg = f"`feedback.spans.newest` must be 0 (all) or more. Received: {self.newest}."
            raise ValueError(msg)


def check_placeholders(patterns: Sequence[tuple[str, str]], titles: str | None, spans: SpansConfig) -> None:
    """Raises a ValueError if placeholders of spans cannot be read, or stand where none may.

    Args:
        patterns: Every path of the input, with the key that names it.
        titles: `feedback.titles.file`.
        spans: `feedback.spans`.
    """
    for file, key in patterns:
        check_pattern(file, key)
    if spans.newest and not any(has_placeholder(file) for file, _ in patterns):
        msg = (
            f"`feedback.spans.newest` ({spans.newest}) counts spans, and no path of the input has any. Write "
            "{SPAN}, or {YYYY}, {MM} and {DD}, in the place of their number or date."
        )
        raise ValueError(msg)
    if titles is not None and has_placeholder(titles):
        msg = f"`feedback.titles.file`: {titles!r} has a placeholder of spans. The titles are one file: name it."
        raise ValueError(msg)
