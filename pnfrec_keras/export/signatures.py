"""The signatures of the SavedModel: names, shapes and types of inputs and outputs (docs/reference/signatures.md)."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.export import vectors
from pnfrec_keras.export.full import answer_in_full
from pnfrec_keras.export.ranker import Ranker

Tensor = Any


def signatures_of(ranker: Ranker) -> dict[str, Any]:
    """Traced functions of a ranker by the name of their signature."""

    def recommend(positive_item_ids: Tensor, exclude_item_ids: Tensor, k: Tensor) -> dict[str, Tensor]:
        return ranker.recommend(positive_item_ids, exclude_item_ids, k)

    def with_negatives(
        positive_item_ids: Tensor, negative_item_ids: Tensor, exclude_item_ids: Tensor, k: Tensor, gamma: Tensor
    ) -> dict[str, Tensor]:
        return ranker.recommend_with_negatives(positive_item_ids, negative_item_ids, exclude_item_ids, k, gamma)

    liked, k = [_rows(schema.POSITIVE_ITEM_IDS)], _each(schema.K, tf.int32)
    excluded, allowed = _rows(schema.EXCLUDE_ITEM_IDS), _rows(schema.ALLOW_ITEM_IDS)
    disliked, gamma = _rows(schema.NEGATIVE_ITEM_IDS), _each(schema.GAMMA, tf.float32)
    in_full = [*liked, disliked, excluded, allowed, k, gamma, _each(schema.MAX_PER_GROUP, tf.int32)]

    def recommend_in_full(*tensors: Tensor) -> dict[str, Tensor]:
        names = [spec.name for spec in in_full]
        return answer_in_full(ranker, dict(zip(names, tensors, strict=True)))

    found = {
        schema.SERVING_SIGNATURE: _traced(recommend, [*liked, excluded, k]),
        schema.RECOMMEND_SIGNATURE: _traced(recommend_in_full, in_full),
        schema.RANK_SIGNATURE: _traced(ranker.rank_examples, [_each(schema.RANK_INPUT, tf.string)]),
        schema.USERS_SIGNATURE: _traced(lambda ids: vectors.user_vectors(ranker, ids), liked),
        schema.ITEMS_SIGNATURE: _traced(
            lambda ids: vectors.item_vectors(ranker, ids), [_each(schema.VECTOR_ITEM_IDS, tf.string)]
        ),
    }
    if ranker.reads_positives:
        # A mixed history has both polarities in it already, in their order, which two lists do not tell.
        found[schema.NEGATIVES_SIGNATURE] = _traced(with_negatives, [*liked, disliked, excluded, k, gamma])
    return found


def _rows(name: str) -> Any:
    """Ids of each row, padded with "" on the right."""
    return tf.TensorSpec([None, None], tf.string, name=name)


def _each(name: str, dtype: Any) -> Any:
    """One value a row."""
    return tf.TensorSpec([None], dtype, name=name)


def _traced(function: Callable[..., dict[str, Tensor]], specs: Sequence[Any]) -> Any:
    # Nothing here leaves it to AutoGraph to turn Python's branches and loops into TensorFlow's: that takes its time.
    return tf.function(function, input_signature=specs, autograph=False)
