"""The last runs as a table for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import run_record

_HEAD = ("started", "verdict", "version", "rows", "items", "warnings", "drift", "seconds")


def to_text(records: Sequence[Mapping[str, Any]]) -> str:
    """A line a run, the newest first, then its measures with bounds or its reason, indented.

    Args:
        records: As `run_record.make` gives them, the oldest first.
    """
    rows = [_cells(record) for record in reversed(records)]
    widths = [max(len(line[column]) for line in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths)]
    for record, cells in zip(reversed(records), rows, strict=True):
        lines.append(_line(cells, widths))
        lines += [f"    {text}" for text in _details(record)]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(record: Mapping[str, Any]) -> tuple[str, ...]:
    data = record["data"]
    return (
        record["started"][:16].replace("T", " "),
        record["verdict"],
        record["version"] or "-",
        f"{data['rows']:,}" if data else "-",
        f"{data['items']:,}" if data else "-",
        str(record["warnings"]["feedback"]),
        str(record["warnings"]["drift"]),
        f"{record['seconds']:.0f}",
    )


def _details(record: Mapping[str, Any]) -> list[str]:
    lines = str(record["message"]).splitlines()[:1]
    lines += [_measures(record["measures"])] if record["measures"] else []
    if at_random := run_record.at_random(record):
        targets = record[run_record.AT_RANDOM]["targets"]
        told = _measures([{**each, "name": name} for name, each in at_random.items()])
        lines.append(f"{run_record.AT_RANDOM}, {targets['p']:,} + {targets['n']:,} targets: {told}")
    return lines


def _measures(measures: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{each['name']} {'undefined' if each['value'] is None else format(each['value'], '.4f')}"
        f"{' FAIL' if each['verdict'] == 'fail' else ''}"
        for each in measures
    )
