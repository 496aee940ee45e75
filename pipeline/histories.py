"""The histories of all users by the rules of the pipeline, nothing held out, for lists at once (`pnfrec recommend`)."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pnfrec_core import schema

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig
    from pipeline.config import PipelineConfig

_HISTORIES = ".histories"
# What decides what is liked, disliked, and in which order.
_SAME = ("positive", "duplicates")


class UnfitConfigError(ValueError):
    """The settings cannot say what users like and dislike as the model understands it."""


def all_rows(feedback: "FeedbackConfig") -> "FeedbackConfig":
    """The settings under which every row of every user is read: no filter, nothing held out.

    Raises:
        UnfitConfigError: The threshold is worked out from training rows, and with all rows it would be another one.
    """
    if feedback.positive == "median":
        msg = (
            "`feedback.positive: median` is the median of the training rows, and of all rows it may be another value. "
            "Say the value that the model was trained with: --set feedback.positive=VALUE; `positive` in "
            "statistics/summary.txt of its run tells it."
        )
        raise UnfitConfigError(msg)
    return dataclasses.replace(
        feedback,
        titles=None,
        random_files=[],
        split="none",
        split_time=None,
        gap=0,
        recent_days=0.0,
        min_item_users=0,
        min_user_items=0,
        min_positives=0,
        min_heldout_positives=0,
    )


def check_model(config: "PipelineConfig", model: Path) -> None:
    """Compares what is liked and disliked with what the model was trained on.

    Args:
        config: The settings of this call.
        model: Folder of the SavedModel; one without settings beside it is not compared.

    Raises:
        UnfitConfigError: They differ.
    """
    path = model / schema.EXTRA_ASSETS / "config.yaml"
    if not path.is_file():
        return
    trained: dict[str, Any] = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("feedback", {})
    for name in _SAME:
        before, now = trained.get(name), getattr(config.feedback, name)
        if before is not None and before != "median" and before != now:
            msg = (
                f"The model in {model} was trained with `feedback.{name}: {before}`, and this configuration says "
                f"{now}: its histories would mean something else. Take the configuration of its run, which lies beside "
                f"it in {path}, or --set feedback.{name}={before}."
            )
            raise UnfitConfigError(msg)


def key_of(config: "PipelineConfig") -> str:
    """What the histories depend on: the content of the input and the settings that read it."""
    from components.feedback.origin import EXAMPLES
    from components.feedback.reading.inventory import inventory
    from components.feedback.reading.stores import open_stores_with
    from pnfrec_core.provenance import result_name

    feedback = all_rows(config.feedback)
    open_stores_with(config.beam.arguments())
    return result_name(code=EXAMPLES.digest(), data=inventory(feedback), settings=dataclasses.asdict(feedback))


def make_histories(config: "PipelineConfig", output: Path, key: str) -> list[Path]:
    """The shards of histories below `output`, made by Beam unless a job that was cut off has made them.

    Args:
        config: The settings.
        output: The folder of the lists.
        key: What `key_of` said of the input when the job began, which the lists are recorded under.

    Raises:
        FeedbackError: The input or its settings cannot be used, or the files are others by now.
    """
    from components.feedback.run import generate
    from pnfrec_core.errors import FeedbackError

    folder = output / _HISTORIES
    if not folder.is_dir():
        generate(all_rows(config.feedback), folder, config.beam.arguments())
        if key_of(config) != key:
            remove_histories(output)
            msg = (
                "The files of the feedback have changed since this call began, so that no list was made. Remove "
                f"{output} and run it again once they are complete."
            )
            raise FeedbackError(msg)
    return sorted((folder / f"Split-{schema.TRAIN_SPLIT}").glob("*.gz"))


def remove_histories(output: Path) -> None:
    """They hold what users like: nothing that stays behind."""
    shutil.rmtree(output / _HISTORIES, ignore_errors=True)
