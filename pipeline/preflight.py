"""What can be known to be wrong before a run begins, all of it at once, without TFX, TensorFlow or Beam.

`pnfrec run` looks before it starts, and `pnfrec check` does nothing else. Nothing is made or changed.
"""

import contextlib
import dataclasses
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from components.gate.model_files import SERVING
from pipeline import beam_check, metadata_file, metadata_records, output_lock, room
from pipeline.config import PipelineConfig
from pipeline.doctor import ESSENTIAL, LITTLE_DISK
from pipeline.feedback_check import Feedback, look_into
from pipeline.output_lock import unwritable
from pnfrec_core import model_marks
from pnfrec_core.model_digest import model_digest

# Distributions that a setting needs besides.
_OF_SETTINGS: Final = {"tfrs": "tensorflow-recommenders"}
# A run writes what it read about five times over, in small files.
_LEAST_ROOM: Final = 64 << 20
_TIMES_THE_INPUT: Final = 5
# Of a larger record the process that runs the pipeline alone looks at every page.
_QUICK_BYTES: Final = 32 << 20


@dataclasses.dataclass(frozen=True)
class Patience:
    """Seconds that somebody else who works there is waited for.

    Attributes:
        run: For another run in the output folder.
        metadata: For a program that has locked the file of ML Metadata.
    """

    run: float = output_lock.PATIENCE_S
    metadata: float = metadata_file.PATIENCE_S


AT_ONCE: Final = Patience(0.0, 0.5)


@dataclasses.dataclass(frozen=True)
class Preflight:
    """What was found.

    Attributes:
        problems: A sentence for each thing that stops a run, with its remedy.
        notes: What is worth knowing.
        feedback: Of the feedback.
        baseline: Where the last blessed model lies; "" where there is none yet, None where nobody could look.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    feedback: Feedback
    baseline: str | None


def look(config: PipelineConfig, say: Callable[[str], None], patience: Patience = AT_ONCE) -> Preflight:
    """Looks at everything that a run needs.

    Args:
        config: Of the run.
        say: Gets a sentence where somebody has to be waited for.
        patience: How long.
    """
    absent = list(_check_packages(config))
    # Without pyarrow no file can be looked into.
    feedback = look_into(config.feedback, say, config.beam.arguments()) if not absent else Feedback()
    beam = beam_check.look_into(config) if not absent else beam_check.Beam()
    folders = list(_check_folders(config))
    if not folders:
        folders = list(_check_room(config, feedback.size))
    others = list(_check_others(config, say, patience))
    notes = [*feedback.notes, *beam.notes, *([] if folders else _note_room(config))]
    baseline = None
    if not others:
        moves = metadata_records.recorded_elsewhere(config.metadata_path, config.artifacts_path)
        notes += [_moved(config, before, count) for before, count in moves.items()]
        baseline = metadata_records.last_blessed(config.metadata_path, config.name)
        for before in moves:
            baseline = baseline.replace(f"{before}/", f"{config.artifacts_path}/", 1)
        if baseline and not metadata_records.has_files(baseline):
            notes.append(
                f"The files of the last blessed model are gone ({baseline}): the gate takes the one blessed before it."
            )
        elif baseline and (mark := _bad_mark(config, baseline)) is not None:
            notes.append(
                f"The last blessed model ({baseline}) is bad, since {mark}: the gate takes the one blessed before it."
            )
    return Preflight((*absent, *feedback.problems, *beam.problems, *folders, *others), tuple(notes), feedback, baseline)


def _bad_mark(config: PipelineConfig, model: str) -> model_marks.Mark | None:
    """The mark that says of a blessed model that it is bad; damaged marks are a problem of their own."""
    with contextlib.suppress(model_marks.MarksError):
        bad = model_marks.read(config.serving_path).bad_models
        return bad.get(model_digest(Path(model) / SERVING)) if bad else None
    return None


def _check_packages(config: PipelineConfig) -> Iterator[str]:
    index = _OF_SETTINGS.get(config.export.index)
    absent = [name for name in (*ESSENTIAL, *([index] if index else [])) if not _is_installed(name)]
    if absent:
        extra = "pipeline,tfrs" if index in absent else "pipeline"
        yield f"Not installed: {', '.join(absent)}. Install with make setup, or pip install '.[{extra}]'."


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _check_folders(config: PipelineConfig) -> Iterator[str]:
    """Whether all that a run writes to can be made and written to."""
    output = config.output_path
    error = _try_to_write(output)
    if error is not None:
        yield unwritable("output", output, error)
    else:
        for folder in (config.artifacts_path, output / "logs"):
            if folder.exists() and (error := _try_to_write(folder)):
                yield unwritable("output", folder, error)
        for file in (config.metadata_path, output / ".lock"):
            if file.exists() and not os.access(file, os.R_OK | os.W_OK):
                yield f"{file}: this user may not read and write the file. Change its permissions, or the user."
    # By default it lies in the output folder, and needs no second sentence where that cannot be made.
    if (config.serving or error is None) and (error := _try_to_write(config.serving_path)):
        yield unwritable("serving", config.serving_path, error)
    try:
        model_marks.read(config.serving_path)
    except model_marks.MarksError as damaged:
        yield str(damaged)
    temporary = Path(tempfile.gettempdir())
    if error := _try_to_write(temporary):
        yield (
            f"TMPDIR: {temporary}, the folder of temporary files, cannot be written to ({error.strerror}). Set TMPDIR "
            "to another folder."
        )


def _try_to_write(folder: Path) -> OSError | None:
    """Why no file can be made in `folder`, or, where it is yet to be made, above it; None where one can."""
    nearest = room.nearest_folder(folder)
    try:
        if nearest != folder:
            below = nearest / folder.relative_to(nearest).parts[0]
            if os.path.lexists(below):
                return NotADirectoryError(20, "Not a directory", str(below))
        with tempfile.TemporaryFile(dir=nearest):
            return None
    except OSError as error:
        return error


def _check_room(config: PipelineConfig, size: int) -> Iterator[str]:
    needed = _LEAST_ROOM + _TIMES_THE_INPUT * size
    for key, folder in _places(config):
        left = room.room_of(folder)
        if left.free < needed:
            yield (
                f"`{key}`: {folder} has {room.in_words(left.free)} free, and a run of this feedback needs about "
                f"{room.in_words(needed)}. Make room there, or choose another disk."
            )
        elif left.files is not None and left.files < 1000:
            yield (
                f"`{key}`: {folder} has room for {left.files:,} more files only, and a run makes hundreds. Delete "
                "some, or choose another disk."
            )


def _note_room(config: PipelineConfig) -> Iterator[str]:
    for _, folder in _places(config):
        left = room.room_of(folder)
        if left.free < LITTLE_DISK:
            yield f"{room.in_words(left.free)} free on the disk of {folder} is little for runs and their artifacts."


def _places(config: PipelineConfig) -> Iterator[tuple[str, Path]]:
    """Where a run writes much, with the key that names it; of several on one disk the first."""
    devices: set[int] = set()
    for key, folder in (("output", config.output_path), ("serving", config.serving_path)):
        device = room.room_of(folder).device
        if device not in devices:
            devices.add(device)
            yield key, folder


def _check_others(config: PipelineConfig, say: Callable[[str], None], patience: Patience) -> Iterator[str]:
    """Whether somebody else works there, and whether the record of earlier runs can be read."""
    path = config.metadata_path
    try:
        output_lock.check_free(config.output_path, patience.run)
        metadata_file.wait_until_free(path, say, patience.metadata)
        if path.exists() and path.stat().st_size <= _QUICK_BYTES:
            metadata_file.check_metadata(path)
    except (output_lock.OutputInUseError, metadata_file.MetadataError) as error:
        yield str(error)
    except OSError as error:
        yield f"{path}: the record of earlier runs cannot be read ({error.strerror}). Put a copy back, or delete it."


def _moved(config: PipelineConfig, before: str, count: int) -> str:
    return (
        f"The output folder was moved or copied: {config.metadata_path} names {before}. A run takes its {count:,} "
        f"artifacts from {config.artifacts_path}."
    )
