"""From an export back to the Keras model, and to its weights by their documented names.

The SavedModel holds its variables as `weights/0`, `weights/1`, ...; `model.json` beside it says what each is by the
names of `pnfrec_keras.network.weights`, and which settings the network has. So weights can also be read without this
project, with `tf.train.load_checkpoint`.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from pnfrec_core import schema
from pnfrec_core.versions import SAVED_MODEL_FILE, by_version
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import Array, name_parts, set_named_weights, variable_names

MODEL_FILE = f"{schema.EXTRA_ASSETS}/model.json"
# Raised where a key is removed or means something else; a new key needs no new format.
FORMAT = 1
# What Keras adds to the settings of a model, which is made anew in float32, as it was exported.
_OF_KERAS = ("name", "trainable", "dtype")


class LoadedModel(NamedTuple):
    """What `load_model` returns.

    Attributes:
        model: The model, in float32.
        vocabulary: Its catalogue.
    """

    model: PNFRec
    vocabulary: Vocabulary


def load_model(folder: str | Path) -> LoadedModel:
    """Makes the Keras model of an export again, with its weights and its catalogue.

    It scores as the export does, to the last bit, and can be asked for `get_named_weights`, evaluated and trained on.
    A model with `trend_days` ranks by the trend of the end of its training; to train on, it needs `set_trend`.

    Args:
        folder: Folder of one SavedModel, such as `runs/movietweetings/serving/1764374461`.

    Raises:
        FileNotFoundError: The folder holds no SavedModel, or one that earlier code exported without `model.json`.
        ValueError: `model.json` is no such file, or does not fit the variables, or `items.jsonl` does not.
    """
    folder = Path(folder)
    description = _read(folder)
    vocabulary = Vocabulary.read(folder / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE)
    try:
        model = PNFRec(**description["settings"], dtype="float32")
        set_named_weights(model, _read_weights(folder, description["weights"]))
    except (IndexError, TypeError, ValueError, tf.errors.OpError) as error:
        msg = f"{folder / MODEL_FILE} does not fit the variables of its export: {error} Export the model again."
        raise ValueError(msg) from error
    if len(vocabulary) != model.num_items:
        path = folder / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE
        msg = f"{path} has {len(vocabulary)} items, and the model {model.num_items}. Export the model again."
        raise ValueError(msg)
    model.set_popularity(vocabulary.popularity())
    return LoadedModel(model, vocabulary)


def describe_model(model: PNFRec) -> str:
    """The text of `model.json`: the settings of the network, and the names of what `weights/0`, `weights/1`, ... hold.

    A variable has no name where it is the state of a generator of random numbers, and two names where it holds two
    weights side by side in its last axis.
    """
    settings = {name: value for name, value in model.get_config().items() if name not in _OF_KERAS}
    return json.dumps({"format": FORMAT, "settings": settings, "weights": variable_names(model)}, indent=1) + "\n"


def _read(folder: Path) -> dict[str, Any]:
    path = folder / MODEL_FILE
    if not (folder / SAVED_MODEL_FILE).is_file():
        found = by_version(each.name for each in folder.glob("*") if each.is_dir())
        newest = f"Name one of its versions, such as {folder / found[max(found)]}." if found else ""
        remedy = newest or "Export a model there."
        msg = f"{folder} holds no SavedModel. {remedy}"
        raise FileNotFoundError(msg)
    if not path.is_file():
        msg = f"{path} is not there: earlier code exported this model. Export it again, or run the pipeline again."
        raise FileNotFoundError(msg)
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = description["format"]
        complete = {"settings", "weights"} <= set(description)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path}: does not describe a model ({error!r}). Export the model again."
        raise ValueError(msg) from error
    if found != FORMAT or not complete:
        msg = f"{path}: `format` must be {FORMAT}, with `settings` and `weights`. Received: {found!r}. Export it again."
        raise ValueError(msg)
    return description


def _read_weights(folder: Path, names: list[list[str]]) -> dict[str, Array]:
    """The weights of a SavedModel by name."""
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    weights: dict[str, Array] = {}
    for number, parts in enumerate(names):
        if parts:
            weights |= name_parts(parts, reader.get_tensor(f"weights/{number}/.ATTRIBUTES/VARIABLE_VALUE"))
    return weights
