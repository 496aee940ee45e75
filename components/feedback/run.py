"""Runs FeedbackGen's Beam pipeline, with or without TFX around it."""

import dataclasses
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from components.feedback.beam.graph import WriteFeedback
from components.feedback.config import FeedbackConfig
from components.feedback.errors import feedback_error_within
from components.feedback.reading import keep
from components.feedback.reading.batches import BATCH_ROWS
from components.feedback.reading.copies import copies
from components.feedback.reading.plan import Plan, make_plan
from components.feedback.reading.steady import SteadyInput
from components.feedback.reading.unlike import unlike
from components.feedback.spans.window import describe
from components.feedback.writing.output import Folders
from components.feedback.writing.statistics import STATISTICS_FILE
from pnfrec_core.errors import FeedbackError, is_no_room
from pnfrec_core.files import put

logger = logging.getLogger(__name__)

# One process. Named in full, since a later Beam may pick another local runner on its own.
LOCAL_BEAM_ARGS = ("--runner=DirectRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1")
# The most files that are named as read anew.
_NAMED = 10


def run(
    config: FeedbackConfig,
    folders: Folders,
    make_pipeline: Callable[[], Any],
    batch_rows: int = BATCH_ROWS,
    pipeline_root: str | None = None,
) -> Any:
    """Reads the files of `config` and writes the outputs to `folders`.

    Args:
        config: The files and the rules.
        folders: Where the outputs go.
        make_pipeline: Gives the Beam pipeline to run.
        batch_rows: Rows of a batch of a Parquet file.
        pipeline_root: Below which rows are kept as they were read, unless the settings name a folder; None keeps none.

    Returns:
        Beam's result, for its counters.

    Raises:
        FeedbackError: The input or its settings cannot be used, or a file has changed while it was read.
    """
    try:
        # First: with it Beam learns the options of stores of objects, which the plan asks for files already.
        pipeline = make_pipeline()
        steady = SteadyInput(config)
        plan = make_plan(config)
        same = copies(piece.source.path for piece in plan.pieces)
        odd = unlike(plan.pieces, plan.config)
        plan = dataclasses.replace(plan, warnings=(*plan.warnings, *same, *odd))
        if plan.spans:
            logger.info("Spans: %s.", describe(plan.spans.as_dict()))
        if kept := keep.folder_of(config, pipeline_root):
            plan = dataclasses.replace(plan, pieces=keep.with_kept(plan.pieces, plan.config, kept))
            _tell_kept(plan, kept)
        logger.info("FeedbackGen reads %d pieces of input into %d shards.", len(plan.pieces), plan.shards)
        _ = pipeline | "Feedback" >> WriteFeedback(plan, folders, batch_rows)
        result = pipeline.run()
        result.wait_until_finish()
        steady.check()
        if kept:
            keep.tidy(kept, plan.pieces, config.keep_read.unused_days)
    except Exception as error:
        if found := feedback_error_within(error):
            # Alone: its message says everything, and its causes are Beam's and Arrow's inner workings.
            logger.debug("FeedbackGen stopped.", exc_info=True)
            raise found from None
        raise
    return result


def _tell_kept(plan: Plan, folder: str) -> None:
    """Says which files are parsed, beside those whose rows are there."""
    anew = sorted({piece.source.path for piece in plan.pieces if piece.kept and not os.path.exists(piece.kept.path)})
    files = len({piece.source.path for piece in plan.pieces if piece.kept})
    logger.info(
        "Of %d files the rows of %d are kept in %s; read anew: %s.",
        *(files, files - len(anew), folder, ", ".join(anew[-_NAMED:]) or "none"),
    )


def _check_writable(target: Path) -> None:
    """Raises a FeedbackError, before anything is read, if the folder `target` cannot come to be."""
    # The output is written beside the folder, which is then put in its place.
    beside = target.parent
    while not beside.exists() and beside != beside.parent:
        beside = beside.parent
    for place in (target, beside):
        if place.exists() and not place.is_dir():
            msg = f"The output {target} cannot be written: {place} is no folder. Name a folder that can be made."
            raise FeedbackError(msg)
    if not os.access(beside, os.W_OK | os.X_OK):
        msg = (
            f"The output {target} cannot be written: this user may not write to the folder {beside}. Change its "
            "permissions, or name another output."
        )
        raise FeedbackError(msg)


def generate(
    config: FeedbackConfig,
    output: str | os.PathLike[str],
    beam_args: Sequence[str] = LOCAL_BEAM_ARGS,
    batch_rows: int = BATCH_ROWS,
) -> dict[str, Any]:
    """Writes examples, vocabulary and statistics without TFX.

    Args:
        config: The files and the rules.
        output: A local folder that does not exist yet or is empty. It gets `Split-train/`, `Split-validation/`,
            `Split-test/`, `vocabulary/items.jsonl`, `statistics/statistics.json` and `statistics/summary.txt`, all at
            once at the end.
        beam_args: Options of the Beam pipeline.
        batch_rows: Rows of a batch of a Parquet file; the result does not depend on it.

    Returns:
        The statistics.

    Raises:
        FeedbackError: The input or its settings cannot be used, or `output` cannot be written.
        FileExistsError: `output` holds something.
    """
    target = Path(output).absolute()
    _check_writable(target)
    if target.exists() and any(target.iterdir()):
        msg = f"The output folder {target} is not empty. Name another one, or remove it first."
        raise FileExistsError(msg)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    folders = Folders(str(partial), str(partial / "vocabulary"), str(partial / "statistics"))
    try:
        run(config, folders, lambda: beam.Pipeline(options=PipelineOptions(list(beam_args))), batch_rows)
        statistics: dict[str, Any] = json.loads((partial / "statistics" / STATISTICS_FILE).read_text(encoding="utf-8"))
        # An empty folder in its place is replaced.
        put(partial, target)
    except Exception as error:
        if not is_no_room(error):
            raise
        msg = (
            f"The output {target} cannot be written: the disk is full, or this user's share of it. Make room there, or "
            "name another output."
        )
        raise FeedbackError(msg) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return statistics


__all__ = ["LOCAL_BEAM_ARGS", "FeedbackError", "generate", "run"]
