"""`pnfrec check`: everything that can be known before a run, and the first rows as they are understood."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.refused import RefusedError

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.first_rows import Row
    from pipeline.preflight import Preflight

_MOST_FILES = 5
_HEAD = ("user", "item", "value", "polarity", "time")


@click.command()
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. feedback.positive=4."
)
def check(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Check all that a run needs, and show how the first rows of feedback are understood. Nothing runs.

    Everything that is wrong is listed at once: files and columns, folders and room, packages, another run or program
    in the way. `pnfrec run` checks the same before it starts.

    Exit status: 0 a run can start, 1 something is wrong, 2 wrong configuration.
    """
    from pipeline import preflight
    from pipeline.config import ConfigError, load_config

    try:
        config = load_config(config_path, overrides)
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    found = preflight.look(config, click.echo)
    for line in describe(config, found):
        click.echo(line)
    for note in found.notes:
        click.echo(f"\nNOTE  {note}")
    if found.problems:
        tell(found.problems)
        sys.exit(1)
    # As a shell takes it, with what was overridden: the line is there to be typed.
    settings = [word for override in overrides for word in ("--set", override)]
    click.echo(f"\nA run can start: {shlex.join(['pnfrec', 'run', '--config', str(config_path), *settings])}")


def tell(problems: Sequence[str]) -> None:
    """Prints what is wrong, to the standard error."""
    if len(problems) == 1:
        click.secho(f"\nFAILED: {problems[0]}", fg="red", err=True)
        return
    click.secho(f"\nFAILED: {len(problems)} things are wrong, and nothing has run.", fg="red", err=True)
    for problem in problems:
        click.secho(f"  - {problem}", fg="red", err=True)


def describe(config: "PipelineConfig", found: "Preflight") -> list[str]:
    """What a run would read and write, a line each, and the first rows as a table."""
    from pipeline import room

    feedback = config.feedback
    files = found.feedback.files
    size = f"{len(files)} file{'' if len(files) == 1 else 's'}, {room.in_words(found.feedback.size)}"
    rows = [("pipeline", config.name), ("feedback", size if files else ", ".join(feedback.patterns))]
    rows += [("", file) for file in files[:_MOST_FILES]]
    if len(files) > _MOST_FILES:
        rows.append(("", f"and {len(files) - _MOST_FILES:,} more"))
    if found.feedback.spans:
        rows.append(("spans", found.feedback.spans))
    if feedback.titles is not None:
        rows.append(("titles", os.path.join(feedback.base, feedback.titles.file)))
    rows += [
        ("output", f"{config.output_path} ({room.in_words(room.room_of(config.output_path).free)} free)"),
        ("serving", str(config.serving_path)),
        ("baseline", "not known" if found.baseline is None else found.baseline or "no blessed model yet"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:{width}}  {text}" for name, text in rows]
    if found.feedback.rows:
        lines += ["", "The first rows, as they are understood:", *_table(found.feedback.rows)]
    return lines


def _table(rows: Sequence["Row"]) -> list[str]:
    cells: list[tuple[str, ...]] = [_HEAD, *((row.user, row.item, row.value, row.polarity, row.time) for row in rows)]
    if any(row.event for row in rows):
        cells = [(name, *line) for name, line in zip(["event", *(row.event for row in rows)], cells, strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
