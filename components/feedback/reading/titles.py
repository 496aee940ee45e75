"""Reads the titles of items, for display."""

from typing import NamedTuple

from components.feedback.config import FeedbackConfig
from components.feedback.reading.plan import find_titles
from pnfrec_columns.ids import decode_ids

_BATCH_ROWS = 1 << 18


class ItemTitles(NamedTuple):
    """What a file of titles holds.

    Attributes:
        of_item: Item id to title.
        rows: How many rows the file has.
        dropped: How many of them have a wrong number of fields.
    """

    of_item: dict[str, str]
    rows: int = 0
    dropped: int = 0


def read_titles(config: FeedbackConfig) -> ItemTitles:
    """The titles of items. The first row of an item counts; empty titles and rows without an item do not.

    Raises:
        FeedbackError: The file is missing or damaged, lacks a column, or has a row with a wrong number of fields while
            `bad_rows` is "error".
    """
    settings = config.titles
    if settings is None:
        return ItemTitles({})
    titles: dict[str, str] = {}
    rows = dropped = 0
    columns = list(dict.fromkeys([settings.item, settings.title]))
    for piece in find_titles(config):
        source = piece.source
        for raw in source.read(piece, columns, _BATCH_ROWS):
            if raw.broken and config.bad_rows == "error":
                record, problem = raw.broken
                raise source.bad_row(raw.place(record), problem)
            rows, dropped = rows + len(raw) + raw.wrong_fields, dropped + raw.wrong_fields
            ids, codes = decode_ids(raw.columns[settings.item], f"{source.path}, column {settings.item!r}")
            known = ids.to_pylist()
            for code, text in zip(codes.tolist(), raw.columns[settings.title].to_pylist(), strict=True):
                title = text.decode(errors="replace") if isinstance(text, bytes) else str(text or "")
                if code >= 0 and title:
                    titles.setdefault(known[code], title)
    return ItemTitles(titles, rows, dropped)
