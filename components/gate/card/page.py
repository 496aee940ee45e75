"""The card as one HTML page without scripts or outside resources."""

import html
import pathlib
import re
import string

from components.gate.card.document import Block, Commands, Document, Facts, Paragraph, Points, Table, Words

_PAGE = pathlib.Path(__file__).with_name("page.html")
_CODE = re.compile(r"`([^`]+)`")


def to_html(card: Document) -> str:
    """The page; every text that comes from data or settings is escaped."""
    parts = [_block(block) for block in card.lead]
    for section in card.sections:
        parts += [f"<h2>{_text(section.title)}</h2>", *map(_block, section.blocks)]
    page = string.Template(_PAGE.read_text(encoding="utf-8"))
    return page.substitute(title=_text(card.title), body="\n".join(parts))


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_text(block.text)}</p>"
    if isinstance(block, Points):
        return "<ul>" + "".join(f"<li>{_text(text)}</li>" for text in block.texts) + "</ul>"
    if isinstance(block, Facts):
        pairs = "\n".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in block.pairs)
        return f"<dl>\n{pairs}\n</dl>"
    if isinstance(block, Commands):
        return "<pre>" + "\n".join(html.escape(line) for line in block.lines) + "</pre>"
    return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in table.header)
    lines = []
    for first, *cells in table.rows:
        # On a narrow screen, where the head of the table is hidden, each cell carries its label.
        labelled = zip(cells, table.header[1:], strict=True)
        told = "".join(f'<td data-label="{html.escape(name)}">{_text(cell)}</td>' for cell, name in labelled)
        lines.append(f"<tr><th>{_text(first)}</th>{told}</tr>")
    body = "\n".join(lines)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _text(text: str) -> str:
    escaped = html.escape(text)
    return _CODE.sub(r"<code>\1</code>", escaped) if isinstance(text, Words) else escaped
