"""Asks stores of objects for files, and prints a line for each that is not there: the path, a tab, the reason.

Where all are there, and the standard input tells how rows are read, another line holds the first rows. What begins with
`--` is an option of Beam, which the stores are opened with.

A process of its own, since Beam takes seconds to import, and so that a store that does not answer can be left.
"""

import base64
import dataclasses
import json
import pickle
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from components.feedback.config import FeedbackConfig
from components.feedback.spans.config import SpansConfig
from pipeline.first_rows import FirstRows, look_at, of_texts
from pnfrec_core.errors import FeedbackError

_FIRST_ROWS: Final = "first rows\t"
# So many files without a row are passed over.
_MOST_EMPTY: Final = 3


def question(config: FeedbackConfig) -> str:
    """What the process reads, to look into the files."""
    return base64.b64encode(pickle.dumps(config)).decode()


def answer(output: str) -> FirstRows | None:
    """The first rows of what the process printed; None where it could not look into the files."""
    for line in output.splitlines():
        if line.startswith(_FIRST_ROWS):
            return of_texts(*json.loads(line.removeprefix(_FIRST_ROWS)))
    return None


def missing(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Those of the paths or globs that lead to no file, and why."""
    from apache_beam.io.filesystems import FileSystems

    for path in paths:
        try:
            found = any(match.metadata_list for match in FileSystems.match([path]))
        except Exception as error:
            yield path, " ".join(str(error).split()).rstrip(".") + "."
        else:
            if not found:
                yield path, "there is no such file."


def look(config: FeedbackConfig) -> FirstRows | None:
    """The first rows of the first file that has any; None where there are none to be had."""
    from components.feedback.reading.input_files import find_input
    from components.feedback.reading.plan import make_plan

    try:
        found = find_input(config)
    except FeedbackError:
        # A file that is not there, of which others tell.
        return None
    alone = [_of_one_file(config, file, event) for file, event in zip(found.files, found.events, strict=True)]
    files = [each for each in alone if each is not None][:_MOST_EMPTY]
    plan, problem = None, ""
    for file in files:
        try:
            plan = make_plan(file)
        except FeedbackError as error:
            problem = problem or str(error)
        else:
            return look_at(plan, 0.0)
    return FirstRows(problems=(problem,)) if len(files) == 1 else None


def _of_one_file(config: FeedbackConfig, file: str, event: int | None) -> FeedbackConfig | None:
    """The settings with one file: in a store, to open each of many takes minutes. None of what takes others back."""
    one: dict[str, Any] = {"titles": None, "random_files": [], "spans": SpansConfig()}
    if event is None:
        return dataclasses.replace(config, files=[file], **one)
    own = config.events[event]
    return (
        None
        if own.cancels or own.ignored
        else dataclasses.replace(config, events=[dataclasses.replace(own, files=[file])], **one)
    )


def main(arguments: Sequence[str]) -> None:
    from components.feedback.reading.stores import open_stores_with

    open_stores_with([argument for argument in arguments if argument.startswith("--")])
    paths = [argument for argument in arguments if not argument.startswith("--")]
    absent = False
    for path, reason in missing(paths):
        absent = True
        click.echo(f"{path}\t{reason}")
    asked = sys.stdin.read()
    if asked and not absent:
        # Written by `pnfrec check` itself.
        seen = look(pickle.loads(base64.b64decode(asked)))
        if seen is not None:
            click.echo(_FIRST_ROWS + json.dumps(dataclasses.astuple(seen)))


if __name__ == "__main__":
    main(sys.argv[1:])
