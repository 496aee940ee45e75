"""Looks into the feedback before a run: whether its files can be read, and how their first rows are understood.

Files in a store of objects are asked for by a process of its own, since Beam takes seconds to import, and a store
minutes to say that it does not answer.
"""

import dataclasses
import importlib.util
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from components.feedback.config import FeedbackConfig
from components.feedback.events import patterns_of
from components.feedback.spans.pattern import SpanPattern, has_placeholder
from components.feedback.spans.window import describe
from pipeline import store_check
from pipeline.first_rows import FirstRows, Row, look_at
from pipeline.paths import STORES, scheme_of
from pnfrec_core import launch
from pnfrec_core.errors import FeedbackError

_STORE_PATIENCE_S: Final = 30.0
_MOST_PROBLEMS: Final = 10


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
    if remote := _remote_paths(config):
        return _of_stores(config, remote, say, beam_args)
    from components.feedback.reading.plan import make_plan

    try:
        plan = make_plan(config)
    except FeedbackError as error:
        return Feedback(tuple(_each_problem(config, str(error))))
    pieces = {piece.source.path: piece for piece in reversed(plan.pieces)}
    files = tuple(pieces)[::-1]
    size = sum(piece.source.size() for piece in pieces.values())
    seen = look_at(plan)
    spans = describe(plan.spans.as_dict()) if plan.spans else ""
    return Feedback(seen.problems, files, size, seen.rows, (*plan.warnings, *seen.notes), spans)


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


def _of_stores(
    config: FeedbackConfig, paths: dict[str, str], say: Callable[[str], None], beam_args: Sequence[str]
) -> Feedback:
    """What is found where files lie in stores: a package that is missing, what a store says, or the first rows."""
    problems, ready = [], {}
    for path, key in paths.items():
        store = STORES[scheme_of(path)]
        if _is_installed(store.module):
            ready[path] = key
        else:
            problems.append(
                f"`{key}`: {path} needs {store.module}, which is not installed: pip install "
                f"'apache-beam[{store.extra}]', or copy the files to this machine."
            )
    seen: FirstRows | None = None
    if ready:
        say(f"looking for {', '.join(ready)}; for up to {_STORE_PATIENCE_S:.0f} s")
        seen = _ask_stores(ready, problems, beam_args, None if problems else config)
    problems += _check_local_files(config)
    if problems:
        return Feedback(tuple(problems))
    if seen is None:
        return Feedback(notes=("Files in a store are there, and are not looked into before the run.",))
    note = "Of the files in a store, the first was looked into."
    return Feedback(seen.problems, rows=seen.rows, notes=() if seen.problems else (*seen.notes, note))


def _ask_stores(
    paths: dict[str, str], problems: list[str], beam_args: Sequence[str], config: FeedbackConfig | None
) -> FirstRows | None:
    """Adds to the problems, and returns the first rows where they could be read.

    Args:
        paths: Path to the key that names it.
        problems: What is known.
        beam_args: Options of Beam.
        config: How rows are read; None looks for the files alone.
    """
    asked = "" if config is None else store_check.question(config)
    command = launch.command("pipeline.store_check", *beam_args, *paths)
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=_STORE_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        problems.append(
            f"{', '.join(paths)}: the store has not answered within {_STORE_PATIENCE_S:.0f} s. Check the credentials "
            "and the network, or copy the files to this machine."
        )
        return None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        problems.append(f"{', '.join(paths)}: the store could not be asked ({reason}). Look at pnfrec doctor --deep.")
    for line in done.stdout.splitlines():
        path, separator, reason = line.partition("\t")
        if separator and path in paths:
            problems.append(f"`{paths[path]}`: {path}: {reason} Check the path and the credentials.")
    return store_check.answer(done.stdout)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package above it
        return False
