"""The reference of settings as Markdown: a section each, a row a key."""

from collections.abc import Iterator

from pnfrec_core.settings.commented import as_flow
from pnfrec_core.settings.keys import Key, Section

_HEAD = ("| key | what it may be | default | meaning |", "|---|---|---|---|")


def write_markdown(tree: Section, title: str = "Configuration", level: int = 1) -> str:
    """All keys, the sections in the order of `pnfrec config`.

    Args:
        tree: The keys.
        title: Of the whole.
        level: Of its heading; sections are one below what they are in.
    """
    return "\n".join(_lines(tree, title, level)) + "\n"


def _lines(section: Section, title: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}"
    yield ""
    if section.meaning:
        yield from (*section.meaning.splitlines(), "")
    keys = [part for part in section.parts if isinstance(part, Key)]
    if keys:
        yield from _HEAD
        for key in keys:
            yield _row(key, key.path)
            # What is inside of a key, such as the bounds of one metric.
            inner = f"{key.path}.<name>" if key.named else key.path
            yield from (_row(entry, f"{inner}.{entry.name}") for entry in key.entries)
        yield ""
    for part in section.parts:
        if isinstance(part, Section):
            yield from _lines(part, f"`{part.path}`", level + 1)


def table_row(*cells: str) -> str:
    """A row of a table whose cells show their text as it is, but for code."""
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    parts = text.replace("|", "\\|").split("`")
    # Every second part is code, in which nothing is a tag.
    parts[::2] = (part.replace("<", "&lt;") for part in parts[::2])
    return "`".join(parts)


def _row(key: Key, path: str) -> str:
    shown = f"`{as_flow(key.default)}`"
    if key.required:
        shown = f"required, such as {shown}" if key.default is not None else "required"
    meaning = " ".join([key.meaning, *(f"`{name}`: {each}" for name, each in key.choices)])
    return table_row(f"`{path}`", key.kind, shown, meaning)
