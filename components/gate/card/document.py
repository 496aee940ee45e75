"""The card as a document, which is rendered as Markdown and as HTML."""

import dataclasses
from typing import Final


class Words(str):
    """Text of our own, in which backticks mark code. Any other text is shown as it is, whatever signs it holds."""

    __slots__ = ()


MISSING: Final = Words("not recorded")


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """One paragraph."""

    text: str


@dataclasses.dataclass(frozen=True)
class Points:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Facts:
    """Names, each with its value."""

    pairs: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        header: Names of the columns; the first one names the rows.
        rows: As many cells each.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: tuple[str, ...]


Block = Paragraph | Points | Facts | Table | Commands


@dataclasses.dataclass(frozen=True)
class Section:
    """A title and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Document:
    """The card.

    Attributes:
        title: Its title.
        lead: What stands above the first section.
        sections: In their order.
    """

    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
