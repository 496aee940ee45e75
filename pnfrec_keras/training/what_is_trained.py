"""A digest of what is trained: whether two processes train alike, and whether a state on disk is of this training."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights
from pnfrec_keras.training.agreement import DIGEST
from pnfrec_keras.training.warm import WarmStart

# What decides how long a training is, or how it is computed, and not what is learned in an epoch.
_NOT_LEARNED = frozenset(
    ["epochs", "patience", "min_epochs", "deterministic", "strategy", "jit_compile", "evaluation_batch_size"]
)


def digest_for_resume(
    model: PNFRec,
    config: TrainingConfig,
    training_data: TrainingArrays | None,
    validation_data: EvaluationArrays | None,
    initial: WarmStart | None = None,
) -> str:
    """Of all that one epoch after another depends on: a state of another digest is not of this training.

    Args:
        model: Its settings, and what it ranks unknown histories by; not its weights.
        config: How it is fitted. How long, and on how many devices, does not count.
        training_data: None where each process has rows of its own.
        validation_data: None where nothing validates.
        initial: The weights that it begins with; None for those of the seed.
    """
    settings = {name: value for name, value in vars(config).items() if name not in _NOT_LEARNED}
    begins: dict[str, Any] | None = None
    if initial is not None:
        told = repr((initial.new_items, initial.positions, initial.norms))
        ids = np.frombuffer("\n".join(initial.known.item_ids).encode(), np.uint8)
        begins = {told: get_named_weights(initial.model), "ids": ids}
    return _digest(model, settings, training_data, validation_data, begins).hex()


def facts_of_settings(model: Mapping[str, Any], config: TrainingConfig) -> dict[str, str]:
    """By their names, what decides about a model before there is any data.

    Args:
        model: The network, by the names of its settings.
        config: How it is fitted.
    """
    # Keras numbers the names of models of one process.
    network = {f"`model.{name}`": repr(value) for name, value in model.items() if name not in ("name", "k", "dtype")}
    return {**network, **{f"`training.{name}`": repr(value) for name, value in vars(config).items()}}


def facts_of_all(
    model: PNFRec,
    config: TrainingConfig,
    training_data: TrainingArrays | None,
    validation_data: EvaluationArrays | None,
) -> dict[str, str]:
    """By their names, what has to be the same in each process; weights are those of the chief in any case."""
    found = model.get_config()
    facts = facts_of_settings(found, config)
    facts["`training.k` of the model"], facts["the precision"] = repr(found.get("k")), repr(found.get("dtype"))
    for name, data in (("training", training_data), ("validation", validation_data)):
        if data is None:
            continue
        facts[f"{name} users"] = str(len(data))
        for field, value in vars(data).items():
            facts[f"`{field}` of the {name} data"] = f"{DIGEST}{_digest_of({field: value})}"
    facts["the counts of items"] = f"{DIGEST}{_digest_of({'popularity': model.popularity.numpy()})}"
    return facts


def _digest(
    model: PNFRec,
    settings: dict[str, Any],
    training_data: TrainingArrays | None,
    validation_data: EvaluationArrays | None,
    begins: dict[str, Any] | None,
) -> bytes:
    # Keras numbers the names of models of one process.
    network = {name: value for name, value in model.get_config().items() if name != "name"}
    found = hashlib.blake2b(repr((network, settings)).encode(), digest_size=16)
    fields = [vars(each) for each in (training_data, validation_data) if each is not None]
    for part in (*fields, {"popularity": model.popularity.numpy()}, begins or {}):
        _add(found, part)
    return found.digest()


def _digest_of(part: Mapping[str, Any]) -> str:
    found = hashlib.blake2b(digest_size=16)
    _add(found, part)
    return found.hexdigest()


def _add(digest: "hashlib.blake2b", part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        digest.update(name.encode())
        for array in _arrays(value):
            digest.update(repr((array.dtype, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _arrays(each)
    elif value is not None:
        for each in value:
            yield from _arrays(each)
