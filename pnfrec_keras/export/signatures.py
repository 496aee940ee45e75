"""The signatures of the SavedModel: names, shapes and types of inputs and outputs (docs/reference/signatures.md)."""

from typing import Any

import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.export.ranker import Ranker

Tensor = Any


def signatures_of(ranker: Ranker) -> dict[str, Any]:
    """Traced functions of a ranker by the name of their signature."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name=schema.POSITIVE_ITEM_IDS),
            tf.TensorSpec([None, None], tf.string, name=schema.EXCLUDE_ITEM_IDS),
            tf.TensorSpec([None], tf.int32, name=schema.K),
        ]
    )
    def recommend(positive_item_ids: Tensor, exclude_item_ids: Tensor, k: Tensor) -> dict[str, Tensor]:
        return ranker.recommend(positive_item_ids, exclude_item_ids, k)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=schema.RANK_INPUT)])
    def rank_examples(examples: Tensor) -> dict[str, Tensor]:
        return ranker.rank_examples(examples)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name=schema.POSITIVE_ITEM_IDS),
            tf.TensorSpec([None, None], tf.string, name=schema.NEGATIVE_ITEM_IDS),
            tf.TensorSpec([None, None], tf.string, name=schema.EXCLUDE_ITEM_IDS),
            tf.TensorSpec([None], tf.int32, name=schema.K),
            tf.TensorSpec([None], tf.float32, name=schema.GAMMA),
        ]
    )
    def with_negatives(
        positive_item_ids: Tensor, negative_item_ids: Tensor, exclude_item_ids: Tensor, k: Tensor, gamma: Tensor
    ) -> dict[str, Tensor]:
        return ranker.recommend_with_negatives(positive_item_ids, negative_item_ids, exclude_item_ids, k, gamma)

    found = {schema.SERVING_SIGNATURE: recommend, schema.RANK_SIGNATURE: rank_examples}
    # A mixed history has both polarities in it already, in their order, which two lists do not tell.
    return {**found, schema.NEGATIVES_SIGNATURE: with_negatives} if ranker.reads_positives else found
