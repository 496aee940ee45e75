"""The weights of a PNFRec by name, so that another implementation of the spec can give them or take them.

Dense layers compute `x @ kernel + bias`. With d the width, N the items, L the length of a history, for each encoder E
(`positive_encoder`, `negative_encoder`) and each block B (`block_0`, `block_1`, ...):

    item_embedding                                  (N + 1, d)  row 0 is padding and zero
    positive_positions, negative_positions          (L, d)      the first alone where both encoders share one table
    E/B/query_norm/gamma, beta                      (d,)
    E/B/attention/{query,key,value,output}/kernel   (d, d)      head h has the columns h * d / heads on (output: rows)
    E/B/attention/{query,key,value,output}/bias     (d,)
    E/B/feed_forward_norm/gamma, beta               (d,)
    E/B/{inner,outer}/kernel, bias                  (d, d), (d,)
    final_norm/gamma, beta                          (d,)
    negative_final_norm/gamma, beta                 (d,)        where the encoders do not share one
    positive_trend, negative_trend                  (N + 1,)    with `trend_days`: added to the scores; row 0 is padding

With `block: ligr` a block has, beside its attention:

    E/B/{attention_norm,feed_forward_norm}/gamma, beta      (d,)
    E/B/{attention_gate,feed_forward_gate}/kernel, bias     (d, d), (d,)
    E/B/{activated,linear}/kernel                           (d, 4 * d)
    E/B/outer/kernel                                        (4 * d, d)

With `block: hstu` a block has these alone:

    E/B/{input_norm,sum_norm}/gamma, beta                   (d,)
    E/B/{gate,query,key,value,output}/kernel, bias          (d, d), (d,)
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_keras.network.model import PNFRec

Array = npt.NDArray[Any]

_JOINT = "/key_value/"
_ALONE = ("/key/", "/value/")


def get_named_weights(model: PNFRec) -> dict[str, Array]:
    """Copies of all weights by the names above."""
    named: dict[str, Array] = {}
    for variable in _variables(model):
        named.update(name_parts(_names(variable), np.array(variable.numpy())))
    return named


def variable_names(model: PNFRec) -> list[tuple[str, ...]]:
    """The names above of what each of `model.variables` holds, in their order; none for the state of a generator.

    Two names are those of kernels, or of biases, that stand side by side in one variable: the keys', then the values'.
    """
    named = {id(variable) for variable in _variables(model)}
    return [_names(variable) if id(variable) in named else () for variable in model.variables]


def name_parts(names: Sequence[str], value: Array) -> dict[str, Array]:
    """What a variable holds, by the names that `variable_names` has for it."""
    return dict(zip(names, np.split(value, len(names), axis=-1), strict=True)) if names else {}


def set_named_weights(model: PNFRec, weights: Mapping[str, npt.ArrayLike]) -> None:
    """Takes all weights by the names above, in any float type; on an error the model stays as it was.

    Raises:
        ValueError: A name is missing or unknown, a shape is another one, a value is not finite, or row 0 of the item
            embedding is not zero.
    """
    expected = {name: value.shape for name, value in get_named_weights(model).items()}
    _check(expected, weights)
    for variable, value in _values(model, {name: np.asarray(value) for name, value in weights.items()}):
        variable.assign(value)


def _values(model: PNFRec, weights: Mapping[str, Array]) -> Iterator[tuple[Any, Array]]:
    for variable in _variables(model):
        yield variable, np.concatenate([weights[each] for each in _names(variable)], axis=-1)


def _variables(model: PNFRec) -> list[Any]:
    return [*model.trainable_variables, *model.trend_weights.values()]


def _name(variable: Any) -> str:
    """From Keras' path, without the name of the model and of the single weight of an embedding."""
    path: str = variable.path
    for first in ("item_embedding", "positive_", "negative_", "final_norm"):
        if (place := path.find(first)) >= 0:
            return path[place:].removesuffix("/embeddings")
    msg = f"A weight that has no name: {path!r}."
    raise AssertionError(msg)


def _names(variable: Any) -> tuple[str, ...]:
    """Of the parts of a variable: keys and values are projected by one kernel, side by side."""
    name = _name(variable)
    return tuple(name.replace(_JOINT, part) for part in _ALONE) if _JOINT in name else (name,)


def _check(expected: Mapping[str, tuple[int, ...]], weights: Mapping[str, npt.ArrayLike]) -> None:
    if missing := sorted(set(expected) - set(weights)):
        msg = f"{len(missing)} weight(s) are missing: {', '.join(missing)}."
        raise ValueError(msg)
    if unknown := sorted(set(weights) - set(expected)):
        msg = f"{len(unknown)} weight(s) are none of this model: {', '.join(unknown)}. It has: {', '.join(expected)}."
        raise ValueError(msg)
    for name, shape in expected.items():
        value = np.asarray(weights[name])
        if value.shape != shape:
            msg = f"The weight `{name}` must have the shape {shape}. Received: {value.shape}."
            raise ValueError(msg)
        if not np.isfinite(value).all():
            msg = f"The weight `{name}` holds values that are not finite."
            raise ValueError(msg)
    if np.asarray(weights["item_embedding"])[0].any():
        msg = "Row 0 of `item_embedding` is padding and must be zero."
        raise ValueError(msg)
