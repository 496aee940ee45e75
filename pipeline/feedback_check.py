"""Looks into the feedback before a run: whether its files can be read, and how their first rows are understood.

Files in a store of objects are asked for by a process of its own, since Beam takes seconds to import, and a store
minutes to say that it does not answer.
"""

import dataclasses
import importlib.util
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from components.feedback.config import FeedbackConfig
from components.feedback.events import patterns_of
from components.feedback.spans.pattern import SpanPattern, has_placeholder
from components.feedback.spans.window import describe
from pipeline.paths import STORES, scheme_of
from pnfrec_columns.units import time_text
from pnfrec_core import launch
from pnfrec_core.errors import FeedbackError

if TYPE_CHECKING:
    from components.feedback.reading.rows import RowBatch
    from components.feedback.reading.source import Piece

SHOWN: Final = 10
# Rows of a batch of a Parquet file that is looked into.
_BATCH_ROWS: Final = 4096
# Of many files, as many are looked into as this time lets.
_LOOK_S: Final = 0.5
_STORE_PATIENCE_S: Final = 30.0
_MOST_PROBLEMS: Final = 10


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of feedback as it is understood.

    Attributes:
        user, item: Ids, in the text form that they have everywhere.
        value: What the rule of polarity looks at.
        polarity: "positive" or "negative"; what decides it where that is known only when all rows are read.
        time: In UTC.
        event: The name of its event; "" without any.
    """

    user: str
    item: str
    value: str
    polarity: str
    time: str
    event: str = ""


@dataclasses.dataclass(frozen=True)
class Feedback:
    """What was found.

    Attributes:
        problems: A sentence for each thing that stops a run.
        files: The files on this machine that are read, in order.
        size: Their bytes.
        rows: The first rows; none where there are problems, or no file lies on this machine.
        notes: What is worth knowing.
        spans: Which of them are read, in words; "" where the files have none.
    """

    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    size: int = 0
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    spans: str = ""


def look_into(config: FeedbackConfig, say: Callable[[str], None], beam_args: Sequence[str] = ()) -> Feedback:
    """Reads the beginning of the feedback.

    Args:
        config: The files and the rules.
        say: Gets a sentence where somebody has to be waited for.
        beam_args: Options of Beam, which stores are opened with.
    """
    remote = _remote_paths(config)
    if remote:
        problems = [*_check_stores(remote, say, beam_args), *_check_local_files(config)]
        note = "Files in a store are there, and are not looked into before the run."
        return Feedback(tuple(problems), notes=() if problems else (note,))
    from components.feedback.reading.plan import make_plan

    try:
        plan = make_plan(config)
    except FeedbackError as error:
        return Feedback(tuple(_each_problem(config, str(error))))
    pieces = {piece.source.path: piece for piece in reversed(plan.pieces)}
    files = tuple(pieces)[::-1]
    size = sum(piece.source.size() for piece in pieces.values())
    rows: list[Row] = []
    problems = []
    # Some rows of each event, else the first ones would be of one event alone.
    most = -(-SHOWN // max(len(config.events), 1))
    end = time.monotonic() + _LOOK_S
    for file in files:
        try:
            batch = _first_rows(pieces[file], plan.config)
        except FeedbackError as error:
            problems.append(str(error))
        else:
            of_event = sum(row.event == _event_name(pieces[file], plan.config) for row in rows)
            rows += _rows_of(batch, plan.config, min(most - of_event, SHOWN - len(rows)))
        if time.monotonic() > end:
            break
    spans = describe(plan.spans.as_dict()) if plan.spans else ""
    return Feedback(tuple(problems), files, size, () if problems else tuple(rows), tuple(plan.warnings), spans)


def _first_rows(piece: "Piece", config: FeedbackConfig) -> "RowBatch | None":
    from components.feedback.reading.batches import read_rows

    batches = read_rows(piece, config, _BATCH_ROWS)
    try:
        return next(batches, None)
    finally:
        batches.close()  # type: ignore[attr-defined]


def _rows_of(batch: "RowBatch | None", config: FeedbackConfig, most: int) -> Iterator[Row]:
    """The first usable rows of a batch."""
    if batch is None or most < 1:
        return
    columns = batch.columns.take(slice(0, most))
    # Several units are an error, which the run names with the row.
    unit = next(iter(batch.units)) if len(batch.units) == 1 else None
    event = None if columns.event is None or not len(columns) else config.events[int(columns.event[0])]
    for user, item, value, when in zip(columns.user, columns.item, columns.value, columns.time, strict=True):
        yield Row(
            columns.users[int(user)].as_py(),
            columns.items[int(item)].as_py(),
            "" if event and event.cancels else f"{value:.12g}",
            (event.shown() if event else "") or _polarity(float(value), config.positive),
            time_text(int(when), unit) or str(int(when)),
            event.name if event else "",
        )


def _event_name(piece: "Piece", config: FeedbackConfig) -> str:
    return "" if piece.event is None else config.events[piece.event].name


def _polarity(value: float, positive: float | str) -> str:
    if positive == "median":
        return "by the median"
    if positive == "user_median":
        return "by the user's median"
    # A column of polarities is read as 1.0 and 0.0.
    threshold = 0.5 if positive == "column" else float(positive)
    return "positive" if value >= threshold else "negative"


def _each_problem(config: FeedbackConfig, first: str) -> Iterator[str]:
    """What is wrong with each file and with the titles, of a plan that stopped at the `first`."""
    found = list(dict.fromkeys(_check_local_files(config))) or [first]
    yield from found[:_MOST_PROBLEMS]
    if len(found) > _MOST_PROBLEMS:
        yield f"`feedback.files`: {len(found) - _MOST_PROBLEMS:,} more files cannot be read."


def _check_local_files(config: FeedbackConfig) -> Iterator[str]:
    from components.feedback.reading.input_files import sorted_files
    from components.feedback.reading.plan import find_titles, look_at
    from components.feedback.reading.source import EmptyFileError

    base = scheme_of(config.base)
    if config.titles is not None and not (base or scheme_of(config.titles.file)):
        try:
            find_titles(config)
        except FeedbackError as error:
            yield str(error)
    named: list[tuple[str, int | None, str]] = [(pattern, None, "feedback.files") for pattern in config.files]
    named += [(file, place, "feedback.events") for place, each in enumerate(config.events) for file in each.files]
    named += [(file, None, "feedback.random_files") for file in config.random_files]
    for pattern, event, key in named:
        if base or scheme_of(pattern):
            continue
        try:
            files = sorted_files(config.base, [pattern], key)
        except FeedbackError as error:
            yield str(error)
            continue
        for file in files:
            try:
                look_at(file, event, config)
            except EmptyFileError:
                continue
            except FeedbackError as error:
                yield str(error)


def _remote_paths(config: FeedbackConfig) -> dict[str, str]:
    """Path in a store to the key that names it."""
    from components.feedback.reading.files import absolute

    paths = {
        absolute(config.base, SpanPattern(file, key).glob if has_placeholder(file) else file): key
        for file, key in patterns_of(config)
    }
    if config.titles is not None:
        paths.setdefault(absolute(config.base, config.titles.file), "feedback.titles.file")
    return {path: key for path, key in paths.items() if scheme_of(path)}


def _check_stores(paths: dict[str, str], say: Callable[[str], None], beam_args: Sequence[str]) -> Iterator[str]:
    """What is wrong with files in stores: the package that is missing, or what the store says."""
    ready: dict[str, str] = {}
    for path, key in paths.items():
        store = STORES[scheme_of(path)]
        if _is_installed(store.module):
            ready[path] = key
        else:
            yield (
                f"`{key}`: {path} needs {store.module}, which is not installed: pip install "
                f"'apache-beam[{store.extra}]', or copy the files to this machine."
            )
    if ready:
        say(f"looking for {', '.join(ready)}; for up to {_STORE_PATIENCE_S:.0f} s")
        yield from _ask_stores(ready, beam_args)


def _ask_stores(paths: dict[str, str], beam_args: Sequence[str]) -> Iterator[str]:
    command = launch.command("pipeline.store_check", *beam_args, *paths)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_STORE_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        yield (
            f"{', '.join(paths)}: the store has not answered within {_STORE_PATIENCE_S:.0f} s. Check the credentials "
            "and the network, or copy the files to this machine."
        )
        return
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        yield f"{', '.join(paths)}: the store could not be asked ({reason}). Look at pnfrec doctor --deep."
    for line in done.stdout.splitlines():
        path, separator, reason = line.partition("\t")
        if separator and path in paths:
            yield f"`{paths[path]}`: {path}: {reason} Check the path and the credentials."


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package above it
        return False
