"""A SavedModel with the contract's `serving_default` whose answers can be worked out by hand.

Five items a to e. The score of an item is the sum, over the known items of the history, of their entry in SCORES;
without a known item it is the item's entry in POPULARITY. `offset` is added to every score, which tells versions apart.
"""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

ITEMS = ("a", "b", "c", "d", "e")
TITLES = {"a": "Alien (1979)", "b": "Brazil (1985)", "c": "Casablanca (1942)", "d": "Alien 3 (1992)"}
POPULARITY = (5.0, 4.0, 3.0, 2.0, 1.0)
SCORES = (
    (0.0, 3.0, 1.0, 0.0, 0.0),
    (3.0, 0.0, 2.0, 1.0, 0.0),
    (1.0, 2.0, 0.0, 4.0, 0.0),
    (0.0, 1.0, 4.0, 0.0, 5.0),
    (0.0, 0.0, 0.0, 5.0, 0.0),
)


class TinyModel(tf.Module):
    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = offset
        indices = tf.range(1, len(ITEMS) + 1, dtype=tf.int64)
        self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(list(ITEMS), indices), 0)
        self.scores = tf.Variable(SCORES)

    def _counts(self, item_ids: Any) -> Any:
        """How often each item occurs in each row: [B, N]."""
        return tf.reduce_sum(tf.one_hot(self.table.lookup(item_ids), len(ITEMS) + 1), axis=1)[:, 1:]

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name="positive_item_ids"),
            tf.TensorSpec([None, None], tf.string, name="exclude_item_ids"),
            tf.TensorSpec([None], tf.int32, name="k"),
        ]
    )
    def recommend(self, positive_item_ids: Any, exclude_item_ids: Any, k: Any) -> dict[str, Any]:
        history = self._counts(positive_item_ids)
        known = tf.cast(tf.reduce_sum(history, axis=1), tf.int32)
        fallback = known == 0
        scores = tf.where(fallback[:, None], tf.constant([POPULARITY]), tf.matmul(history, self.scores)) + self.offset
        barred = history + self._counts(exclude_item_ids) > 0
        width = tf.minimum(tf.maximum(tf.reduce_max(k), 0), len(ITEMS))
        values, places = tf.math.top_k(tf.where(barred, -1e9, scores), width)
        left = len(ITEMS) - tf.reduce_sum(tf.cast(barred, tf.int32), axis=1)
        count = tf.minimum(tf.minimum(k, left), width)
        real = tf.range(width)[None, :] < count[:, None]
        return {
            "item_ids": tf.where(real, tf.gather(tf.constant(ITEMS), places), ""),
            "scores": tf.where(real, values, 0.0),
            "count": count,
            "fallback": fallback,
            "known_items": known,
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name="positive_item_ids"),
            tf.TensorSpec([None, None], tf.string, name="negative_item_ids"),
            tf.TensorSpec([None, None], tf.string, name="exclude_item_ids"),
            tf.TensorSpec([None], tf.int32, name="k"),
            tf.TensorSpec([None], tf.float32, name="gamma"),
        ]
    )
    def with_negatives(
        self, positive_item_ids: Any, negative_item_ids: Any, exclude_item_ids: Any, k: Any, gamma: Any
    ) -> dict[str, Any]:
        """As `recommend`, but that scores rise by gamma, or by 1000 where it is not a number."""
        barred = tf.concat([negative_item_ids, exclude_item_ids], axis=1)
        found = self.recommend(positive_item_ids, barred, k)
        return {**found, "scores": found["scores"] + tf.where(tf.math.is_nan(gamma), 1000.0, gamma)[:, None]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def to_numbers(self, texts: Any) -> dict[str, Any]:
        return {"numbers": tf.strings.to_number(texts)}


def export(folder: Path, offset: float = 0.0) -> Path:
    """Writes a version folder as the pusher does, with the vocabulary beside it."""
    model = TinyModel(offset)
    signatures = {
        "serving_default": model.recommend,
        "with_negatives": model.with_negatives,
        "to_numbers": model.to_numbers,
    }
    tf.saved_model.save(model, str(folder), signatures=signatures)
    assets = folder / "assets.extra"
    assets.mkdir()
    with (assets / "items.jsonl").open("w", encoding="utf-8") as file:
        for place, item_id in enumerate(ITEMS):
            record = {"item_id": item_id, "count": 9 - place, "positive_count": 5 - place}
            if item_id in TITLES:
                record["title"] = TITLES[item_id]  # type: ignore[assignment]
            file.write(json.dumps(record) + "\n")
    return folder
