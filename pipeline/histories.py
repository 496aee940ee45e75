"""The histories of all users by the rules of the pipeline, nothing held out, for lists at once (`pnfrec recommend`)."""

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pnfrec_core import schema, versions

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig
    from pipeline.config import PipelineConfig

_HISTORIES = ".histories"
# Of an event, where its rows are.
_PLACES = ("files", "columns")


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
            "The model does not tell the value that it was trained with, so say it: --set feedback.positive=VALUE; "
            "`positive` in statistics/summary.txt of its run tells it."
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


def fit_to_model(config: "PipelineConfig", model: Path) -> "PipelineConfig":
    """The settings under which likes and dislikes are what they were to a model in training.

    Args:
        config: The settings of this call.
        model: Folder of the SavedModel; one without settings beside it is not compared.

    Returns:
        The same, but for the threshold of `positive: median`, which becomes the one of that training.

    Raises:
        UnfitConfigError: They differ.
    """
    path = model / schema.EXTRA_ASSETS / "config.yaml"
    trained = _feedback_of(path)
    if trained.get("positive") == "median" and (threshold := _threshold_of(model)) is not None:
        if config.feedback.positive not in ("median", threshold):
            said = f"median, which was {threshold:g}"
            raise _unfit(path, "positive", said, config.feedback.positive, "or --set feedback.positive=median")
        config = dataclasses.replace(config, feedback=dataclasses.replace(config.feedback, positive=threshold))
    else:
        _check_same(path, trained, config, "positive")
    _check_same(path, trained, config, "duplicates")
    events = [dataclasses.asdict(event) for event in config.feedback.events]
    if "events" in trained and _meanings(trained["events"]) != (meanings := _meanings(events)):
        raise _unfit(path, "events", _meanings(trained["events"]), meanings, "and name your files in it")
    return config


def _check_same(path: Path, trained: Mapping[str, Any], config: "PipelineConfig", name: str) -> None:
    before, now = trained.get(name), getattr(config.feedback, name)
    # A report of before thresholds were told leaves it to the caller to know what the median was.
    is_of_old = before == "median" and isinstance(now, int | float)
    if before is not None and before != now and not is_of_old:
        raise _unfit(path, name, before, now, f"or --set feedback.{name}={before}")


def _meanings(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each event says of a row, whatever files it is in; what says nothing is left out."""
    return [{name: value for name, value in event.items() if name not in _PLACES and _says(value)} for event in events]


def _says(value: object) -> bool:
    """Whether it is more than what stands where nothing was set. A bound may be 0."""
    return value is not False and (bool(value) or value == 0)


def _unfit(path: Path, name: str, before: object, now: object, remedy: str) -> UnfitConfigError:
    return UnfitConfigError(
        f"The model in {path.parents[1]} was trained with `feedback.{name}: {before}`, and this configuration says "
        f"{now}: its histories would mean something else. Take the configuration of its run, which lies beside it in "
        f"{path}, {remedy}."
    )


def _feedback_of(path: Path) -> dict[str, Any]:
    """The section `feedback` of the settings of a training; empty where they are not there."""
    if not path.is_file():
        return {}
    found: dict[str, Any] = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("feedback", {})
    return found


def _threshold_of(model: Path) -> float | None:
    """Values from it on were likes when the model was trained; None where its report does not tell."""
    path = model / schema.EXTRA_ASSETS / versions.VERDICT
    if not path.is_file():
        return None
    try:
        found: float | None = json.loads(path.read_text(encoding="utf-8")).get("threshold")
    except (ValueError, AttributeError) as error:
        msg = f"{path}, which tells what was liked in the training of the model, is damaged ({error}). Push it again."
        raise UnfitConfigError(msg) from error
    return found


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
