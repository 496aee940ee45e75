"""The card as Markdown (CommonMark with tables)."""

import re

from components.gate.card.document import Block, Commands, Document, Facts, Paragraph, Points, Table, Words

# What marks text up wherever it stands: of an underscore one inside a word does not.
_SIGNS = re.compile(r"[\\`*\[\]|~$]|<(?=[\w/!?])|&(?=[\w#])|(?<![^\W_])_|_(?![^\W_])")
# What does so where it stands first: a heading, a quotation, a list, a rule.
_OPENS = re.compile(r"^(?:(?P<sign>[-+=:#>])|(?P<number>\d+)(?=[.)](?:\s|$)))")


def to_markdown(card: Document) -> str:
    """The text; what comes from data or settings is shown as it is, and marks nothing up."""
    parts = [f"# {_text(card.title)}", *map(_block, card.lead)]
    for section in card.sections:
        parts += [f"## {_text(section.title)}", *map(_block, section.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _line(block.text)
    if isinstance(block, Points):
        return "\n".join(f"- {_line(text)}" for text in block.texts)
    if isinstance(block, Facts):
        return "\n".join(f"- **{_text(name)}**: {_text(value)}" for name, value in block.pairs)
    if isinstance(block, Commands):
        return "\n".join(["```", *block.lines, "```"])
    return _table(block)


def _table(table: Table) -> str:
    rule = [":--", *["--:"] * (len(table.header) - 1)]
    lines = [[_text(cell) for cell in line] for line in (table.header, *table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def _line(text: str) -> str:
    """A text with which a line begins."""
    if isinstance(text, Words):
        return text
    return _OPENS.sub(lambda found: f"{found['number'] or ''}\\{found['sign'] or ''}", _text(text))


def _text(text: str) -> str:
    if isinstance(text, Words):
        return text
    return _SIGNS.sub(lambda found: "\\" + found[0], " ".join(text.split()))
