"""Reads the table of items: titles for display, and groups."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from components.feedback.config import FeedbackConfig
from components.feedback.reading.plan import find_titles
from pnfrec_columns.ids import decode_ids

_BATCH_ROWS = 1 << 18


class ItemTitles(NamedTuple):
    """What a file of titles holds.

    Attributes:
        of_item: Item id to title.
        group_of: Item id to group.
        rows: How many rows the file has.
        dropped: How many of them have a wrong number of fields.
        undecoded: A title or group that is no text in the encoding of the file, by item; what cannot be read of it is
            replaced by a sign that says so.
        several: Another title or group of an item that had one before, by item.
    """

    of_item: dict[str, str]
    group_of: dict[str, str]
    rows: int = 0
    dropped: int = 0
    undecoded: Mapping[str, str] = {}
    several: Mapping[str, str] = {}


def read_titles(config: FeedbackConfig) -> ItemTitles:
    """Titles and groups of items. The first that an item has counts; empty ones and rows without an item do not.

    Raises:
        FeedbackError: The file is missing or damaged, lacks a column, or has a row with a wrong number of fields while
            `bad_rows` is "error".
    """
    settings = config.titles
    if settings is None:
        return ItemTitles({}, {})
    titles: dict[str, str] = {}
    groups: dict[str, str] = {}
    undecoded: dict[str, str] = {}
    several: dict[str, str] = {}
    wanted = [(settings.title, titles), *([] if settings.group is None else [(settings.group, groups)])]
    rows = dropped = 0
    columns = settings.columns()
    for piece in find_titles(config):
        source = piece.source
        for raw in source.read(piece, columns, _BATCH_ROWS):
            if raw.broken and config.bad_rows == "error":
                record, problem = raw.broken
                raise source.bad_row(raw.place(record), problem)
            rows, dropped = rows + len(raw) + raw.wrong_fields, dropped + raw.wrong_fields
            ids, codes = decode_ids(raw.columns[settings.item], f"{source.path}, column {settings.item!r}")
            known = ids.to_pylist()
            for column, found in wanted:
                for code, value in zip(codes.tolist(), raw.columns[column].to_pylist(), strict=True):
                    text, is_whole = _text(value, settings.encoding)
                    if code < 0 or not text:
                        continue
                    if not is_whole:
                        undecoded.setdefault(known[code], text)
                    if found.setdefault(known[code], text) != text:
                        several.setdefault(known[code], text)
    return ItemTitles(titles, groups, rows, dropped, undecoded, several)


def _text(value: Any, encoding: str) -> tuple[str, bool]:
    """A cell as text, without the blanks around it, "" where there is nothing in it; and whether all of it is text.

    Numbers that pandas made floats of, since one was missing, are whole ones again, as they are of ids.
    """
    is_whole = True
    if isinstance(value, bytes):
        try:
            value = value.decode(encoding)
        except UnicodeDecodeError:
            value, is_whole = value.decode(encoding, errors="replace"), False
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip(), is_whole
