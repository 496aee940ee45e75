"""The export with the exact index of tensorflow-recommenders. `export_saved_model` runs it in a process of its own.

TF_USE_LEGACY_KERAS=1 python -m pnfrec_keras.export.tfrs MODEL.keras items.jsonl FOLDER RULE
"""

import sys
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_recommenders as tfrs

from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.ranker import Ranker, in_float32
from pnfrec_keras.export.saved_model import save
from pnfrec_keras.network.model import PNFRec

Tensor = Any


class TfrsRanker(Ranker):
    """Recommends through `BruteForce`. The gate's ranks come from the plain op; the lists are equal.

    `query_with_exclusions` wants a static number of exclusions and a fixed k, and subtracts a constant from the scores
    of excluded items. So the index is asked for the best k + exclusions, and the filter is ours.
    """

    def __init__(self, model: PNFRec, vocabulary: Vocabulary, rule: str) -> None:
        # The gate's ranks come from float32, and so must the index.
        model = in_float32(model)
        # The export weighs no dislikes itself, but a query may.
        super().__init__(model, vocabulary, rule)
        self.index = tfrs.layers.factorized_top_k.BruteForce(k=self.k)
        self.index.index(tf.constant(model.item_embedding.table()[1:]), tf.range(1, self.num_items + 1))

    def best(self, history: Tensor, known: Tensor, seen: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        width = tf.clip_by_value(k, 0, self.num_items)
        # Repeated and unknown exclusions only make this deeper than it need be.
        depth = tf.minimum(width + tf.shape(seen)[1], self.num_items)
        scores, indices = self.index(self.encode_latest(history), k=depth)
        popular_scores, popular = self._most_popular(depth)
        fallback = tf.equal(known, 0)[:, tf.newaxis]
        scores = tf.where(fallback, popular_scores[tf.newaxis, :], scores)
        indices = tf.where(fallback, popular[tf.newaxis, :], tf.cast(indices, tf.int32))
        is_seen = tf.reduce_any(tf.equal(indices[:, :, tf.newaxis], seen[:, tf.newaxis, :]), axis=-1)
        scores = tf.where(is_seen, float("-inf"), scores)
        values, places = tf.math.top_k(scores, width)
        valid = tf.math.is_finite(values)
        best = tf.gather(indices, places, axis=1, batch_dims=1)
        return tf.where(valid, best, 0), tf.where(valid, values, 0.0), valid

    def _most_popular(self, depth: Tensor) -> tuple[Tensor, Tensor]:
        scores, places = tf.math.top_k(self.scorer.popularity[1:], depth)
        return scores, places + 1


def main(arguments: list[str]) -> None:
    model_path, vocabulary_path, path, rule = arguments
    model = keras.models.load_model(model_path, compile=False)
    save(TfrsRanker(model, Vocabulary.read(vocabulary_path), rule), Path(path))


if __name__ == "__main__":
    main(sys.argv[1:])
