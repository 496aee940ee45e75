"""Reads the table of items: titles for display, and groups."""

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
    """

    of_item: dict[str, str]
    group_of: dict[str, str]
    rows: int = 0
    dropped: int = 0


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
                    text = _text(value)
                    if code >= 0 and text:
                        found.setdefault(known[code], text)
    return ItemTitles(titles, groups, rows, dropped)


def _text(value: Any) -> str:
    """A cell as text, without the blanks around it; "" where there is nothing in it.

    Numbers that pandas made floats of, since one was missing, are whole ones again, as they are of ids.
    """
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip()
