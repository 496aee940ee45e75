"""Reads the titles of items, for display."""

from components.feedback.config import FeedbackConfig
from components.feedback.errors import FeedbackError
from components.feedback.reading.columns import decode_ids
from components.feedback.reading.plan import find_titles
from components.feedback.reading.raw import read_parquet, read_text

_BATCH_ROWS = 1 << 18


def read_titles(config: FeedbackConfig) -> dict[str, str]:
    """Item id to title. The first row of an item counts; empty titles and rows without an item do not.

    Raises:
        FeedbackError: The file is missing or damaged, lacks a column, or has a row with a wrong number of fields while
            `bad_rows` is "error".
    """
    settings, task = config.titles, find_titles(config)
    if settings is None or task is None:
        return {}
    columns = list(dict.fromkeys([settings.item, settings.title]))
    if task.format == "parquet":
        raws = read_parquet(task, columns, _BATCH_ROWS)
    else:
        raws = read_text(task, columns, settings.delimiter, settings.names)
    titles: dict[str, str] = {}
    for raw in raws:
        if raw.broken and config.bad_rows == "error":
            record, problem = raw.broken
            msg = f"{task.path}, {raw.place(record)}, {problem}. Correct the row, or set `feedback.bad_rows: drop`."
            raise FeedbackError(msg)
        ids, codes = decode_ids(raw.columns[settings.item], f"{task.path}, column {settings.item!r}")
        known = ids.to_pylist()
        for code, text in zip(codes.tolist(), raw.columns[settings.title].to_pylist(), strict=True):
            title = text.decode(errors="replace") if isinstance(text, bytes) else str(text or "")
            if code >= 0 and title:
                titles.setdefault(known[code], title)
    return titles
