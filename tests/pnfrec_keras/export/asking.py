"""A small catalogue, and questions to a SavedModel of it."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec

ITEMS, LENGTH = 30, 4
# No id is the text of its index, one has a leading zero, one is not ASCII.
IDS = [f"0{number}" if number % 2 else f"é{number}" for number in range(1, ITEMS + 1)]
VOCABULARY = Vocabulary(IDS, np.arange(ITEMS, 0, -1) + ITEMS, np.roll(np.arange(ITEMS, 0, -1), 3))


@functools.lru_cache(maxsize=2)
def loaded(path: Path) -> Any:
    """Loaded once: it takes seconds, and 40 MB that TensorFlow does not give back."""
    return tf.saved_model.load(str(path))


def call(path: Path, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Through `tf.saved_model.load`."""
    outputs = loaded(path).signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


@functools.lru_cache(maxsize=2)
def loaded_tf1(path: Path) -> tuple[Any, Any]:
    """A session with the model in it, and its signatures; loaded once too."""
    with tf.Graph().as_default() as graph:
        session = tf.compat.v1.Session(graph=graph)
        return session, tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def


def call_tf1(path: Path, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """As TensorFlow Serving loads it."""
    session, definitions = loaded_tf1(path)
    definition = definitions[signature]
    feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
    outputs: dict[str, Any] = session.run({k: v.name for k, v in definition.outputs.items()}, feeds)
    return outputs


def request(history: list[list[str]], exclude: list[list[str]], k: list[int]) -> dict[str, Any]:
    def grid(rows: list[list[str]]) -> Any:
        width = max(len(row) for row in rows)
        return np.array([row + [""] * (width - len(row)) for row in rows], dtype=object).reshape(len(rows), width)

    return {"positive_item_ids": grid(history), "exclude_item_ids": grid(exclude), "k": np.array(k, np.int32)}


def plain_answer(model: PNFRec, history: list[str], seen: list[str], k: int) -> list[str]:
    known = [IDS.index(item) + 1 for item in history if item in IDS]
    last = known[-LENGTH:]
    if known:
        scores = model.scores(np.array([last + [0] * (LENGTH - len(last))]))[0].numpy()
    else:
        scores = np.concatenate([[0], VOCABULARY.positive_counts])
    order = sorted((i for i in range(1, ITEMS + 1) if IDS[i - 1] not in seen), key=lambda i: (-scores[i], i))
    return [IDS[i - 1] for i in order[:k]]


def with_negatives(positive: list[str], negative: list[str], gamma: float, k: int = 12) -> dict[str, Any]:
    other = request([negative], [[]], [k])["positive_item_ids"]
    return {**request([positive], [[]], [k]), "negative_item_ids": other, "gamma": np.array([gamma], np.float32)}
