"""What the SavedModel computes: raw ids in, ranked ids out, and the ranks for the gate (docs/reference/signatures.md).

The module holds raw variables and tables, not the Keras model: TensorFlow Serving loads a SavedModel as a TF1-style
session, and there a saved Keras 3 model does not find its variables (tensorflow/serving#2250).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from pnfrec_core import lists, popularity, schema
from pnfrec_keras.config import ExportConfig, check_rule
from pnfrec_keras.examples.batch import POSITIVE
from pnfrec_keras.examples.records import evaluation_parsing_spec, item_table
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.rows import checked_rows, one_a_row
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking import rules, topk
from pnfrec_keras.ranking.rules import Dislikes
from pnfrec_keras.ranking.scorer import Scorer

Tensor = Any


class Told(NamedTuple):
    """What the model makes of the histories of a query.

    Attributes:
        own: float32 (batch, items + 1), the scores before the rule.
        known: int32 (batch,), how many items the model knows.
        seen: int32 (batch, width), items that must not come back.
        gamma: Weight of the rule.
        dislikes: What the rule may ask; None where the query does not tell.
    """

    own: Tensor
    known: Tensor
    seen: Tensor
    gamma: Any
    dislikes: Dislikes | None


class Ranker(tf.Module):  # type: ignore[misc]
    """The functions of the export over one set of weights.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, of `model.num_items` items.
        rule, gamma, recency: How the gate and serving rank; see `pnfrec_keras.config.ExportConfig`.

    Raises:
        ValueError: Model and vocabulary differ in size, a weight is negative or no finite number, the rule needs a
            negative encoder and there is none, or recency needs counts that the vocabulary has not.
    """

    def __init__(
        self,
        model: PNFRec,
        vocabulary: Vocabulary,
        rule: str = rules.DEFAULT,
        gamma: float = 0.0,
        recency: float = 0.0,
    ) -> None:
        super().__init__(name="pnfrec_ranker")
        if model.num_items != len(vocabulary):
            msg = (
                f"The model has {model.num_items} items, its vocabulary {len(vocabulary)}. They must come from one run."
            )
            raise ValueError(msg)
        _check_rule(model, ExportConfig(rule=rule, gamma=gamma, recency=recency))
        model = in_float32(model)
        # Kept as a plain closure: only the raw variables are tracked and saved.
        self._encode = _traced_once(model)
        self._embedding = model.item_embedding.table
        self.weights = [variable.value for variable in model.variables]
        self.table = item_table(vocabulary)
        self.history_length = model.history_length
        self._history = schema.POSITIVE_ITEM_IDS if model.reads == POSITIVE else schema.SEEN_ITEM_IDS
        self.k = model.k
        self.num_items = model.num_items
        self.gamma = float(gamma)  # a tensor is one a row, told apart by its type
        self.reads_positives = model.reads == POSITIVE
        self.item_ids = tf.constant(["", *vocabulary.item_ids])
        # Group 0 is none. By item index, and the names by group.
        names = sorted(set(vocabulary.group_names()))
        self.has_groups = len(names) > 1
        self.group_names = tf.constant(names)
        self.groups = tf.constant(vocabulary.group_numbers(), tf.int32)
        # By item index, for the gate; column 0 is padding and unknown items.
        self._information = tf.constant([0.0, *lists.information(vocabulary.counts)], tf.float64)
        self._buckets = tf.constant(popularity.bucket_of(range(self.num_items + 1), self.num_items))
        self.scorer = Scorer(model, vocabulary, rule, recency)

    @property
    def asks_dislikes(self) -> bool:
        """Whether it ranks by what a user dislikes, so that its two lists, told and not told that, differ."""
        return self.scorer.needs_dislikes and self.gamma > 0

    def recommend(self, history_ids: Tensor, exclude_ids: Tensor, k: Tensor) -> dict[str, Tensor]:
        """`serving_default`: see docs/reference/signatures.md."""
        rows = tf.shape(history_ids)[0]
        exclude_ids, k = checked_rows(exclude_ids, rows, schema.EXCLUDE_ITEM_IDS), one_a_row(k, rows, schema.K)
        history, excluded = self.table.lookup(history_ids), self.table.lookup(exclude_ids)
        seen = tf.concat([history, excluded], axis=1)
        known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
        return self.answer(self.best(history, known, seen, _largest(k)), known, k)

    def recommend_with_negatives(
        self, positive_ids: Tensor, negative_ids: Tensor, exclude_ids: Tensor, k: Tensor, gamma: Tensor
    ) -> dict[str, Tensor]:
        """`with_negatives`: see docs/reference/signatures.md."""
        rows = tf.shape(positive_ids)[0]
        negative_ids = checked_rows(negative_ids, rows, schema.NEGATIVE_ITEM_IDS)
        exclude_ids = checked_rows(exclude_ids, rows, schema.EXCLUDE_ITEM_IDS)
        k, gamma = one_a_row(k, rows, schema.K), one_a_row(gamma, rows, schema.GAMMA)
        told = self.read(positive_ids, negative_ids, gamma)
        scores = self.scorer.lower(told.own, told.gamma, told.dislikes)
        seen = tf.concat([told.seen, self.table.lookup(exclude_ids)], axis=1)
        return self.answer(topk.best_items(scores, seen, _largest(k)), told.known, k)

    def read(self, positive_ids: Tensor, negative_ids: Tensor | None = None, gamma: Tensor | None = None) -> Told:
        """What the model makes of the histories of a query, which tells dislikes and their weight, or neither."""
        positive = self.table.lookup(positive_ids)
        if negative_ids is None:
            known = tf.math.count_nonzero(positive, axis=1, dtype=tf.int32)
            own = self.scorer.own(self.encode_latest(positive), known, self.gamma)
            return Told(own, known, positive, self.gamma, None)
        negative = self.table.lookup(negative_ids)
        liked, disliked = (tf.math.count_nonzero(items, axis=1, dtype=tf.int32) for items in (positive, negative))
        # Without a like, the positive encoder reads the dislikes: people dislike what they had reason to try.
        width = tf.maximum(tf.shape(positive)[1], tf.shape(negative)[1])
        both = [tf.pad(items, [[0, 0], [0, width - tf.shape(items)[1]]]) for items in (positive, negative)]
        read = tf.where(tf.equal(liked, 0)[:, tf.newaxis], both[1], both[0])
        known, weight = liked + disliked, self._usable(gamma)
        own = self.scorer.own(self.encode_latest(read), known, weight)
        dislikes = self.scorer.dislikes(liked, disliked, self._negative_state(negative))
        return Told(own, known, tf.concat([positive, negative], axis=1), weight, dislikes)

    def item_table(self) -> Tensor:
        """float32 (items + 1, dim), the vectors of the items."""
        return self._embedding()

    def _usable(self, gamma: Tensor) -> Tensor:
        """The weights of a query, with the model's own for NaN."""
        own = tf.math.is_nan(gamma)
        # Below 0 it would raise what is disliked.
        usable = tf.reduce_all(own | (tf.math.is_finite(gamma) & (gamma >= 0)))
        tf.debugging.Assert(usable, ["`gamma` must be finite and 0 or more, or NaN for the model's own.", gamma])
        return tf.where(own, self.gamma, gamma)

    def answer(self, best: tuple[Tensor, Tensor, Tensor], known: Tensor, k: Tensor) -> dict[str, Tensor]:
        """The outputs that all lists have, of what `best` returns."""
        indices, scores, valid = best
        valid &= tf.range(tf.shape(indices)[1])[tf.newaxis, :] < k[:, tf.newaxis]
        return {
            schema.OUTPUT_ITEM_IDS: tf.gather(self.item_ids, tf.where(valid, indices, 0)),
            schema.OUTPUT_SCORES: tf.where(valid, scores, 0.0),
            schema.OUTPUT_COUNT: tf.math.count_nonzero(valid, axis=1, dtype=tf.int32),
            schema.OUTPUT_FALLBACK: tf.equal(known, 0),
            schema.OUTPUT_KNOWN_ITEMS: known,
        }

    def best(self, history: Tensor, known: Tensor, seen: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Indices, scores and validity of the best `k` items for each history, as `ranking.top_items` returns them.

        A query that says no dislikes is ranked all the same by what the rule does without any.
        """
        scores = self.scorer(self.encode_latest(history), known, self.gamma)
        return topk.best_items(scores, seen, k)

    def rank_examples(self, serialized: Tensor) -> dict[str, Tensor]:
        """`rank_examples`: see docs/reference/signatures.md."""
        parsed = tf.io.parse_example(serialized, evaluation_parsing_spec(negative=self.asks_dislikes))
        history = self.table.lookup(parsed[self._history].to_tensor(default_value=""))
        seen = self.table.lookup(parsed[schema.SEEN_ITEM_IDS].to_tensor(default_value=""))
        target = self.table.lookup(parsed[schema.TARGET_ITEM_ID])
        known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
        values = [self.encode_latest(history, skip_padding=True), known, seen, target]
        if self.asks_dislikes:
            negative = self.table.lookup(parsed[schema.NEGATIVE_ITEM_IDS].to_tensor(default_value=""))
            values.append(tf.math.count_nonzero(negative, axis=1, dtype=tf.int32))
            state = self._negative_state(negative, skip_padding=True)
            values += [] if state is None else [state]
        dtypes = [tf.int64, tf.int64, tf.int32]
        ranks, default_ranks, indices = topk.by_blocks(self._rank, values, self.num_items + 1, dtypes)
        ranks, default_ranks = (tf.ensure_shape(each, [None]) for each in (ranks, default_ranks))
        # A catalogue of fewer than k items still answers k wide.
        indices = tf.pad(indices, [[0, 0], [0, self.k - tf.shape(indices)[1]]])
        indices = tf.ensure_shape(indices, [None, self.k])
        return {
            schema.OUTPUT_RANK: ranks,
            schema.OUTPUT_DEFAULT_RANK: default_ranks,
            schema.OUTPUT_TOP_ITEMS: tf.cast(indices, tf.int64),
            schema.OUTPUT_TOP_INFORMATION: tf.gather(self._information, indices),
            schema.OUTPUT_TOP_GROUPS: tf.cast(tf.gather(self.groups, indices), tf.int64),
            schema.OUTPUT_TARGET_BUCKET: tf.gather(self._buckets, target),
            schema.OUTPUT_CATALOGUE_SIZE: tf.fill([tf.shape(target)[0]], tf.constant(self.num_items, tf.int64)),
        }

    def _rank(
        self, state: Tensor, known: Tensor, seen: Tensor, target: Tensor, *negative: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Ranks of some targets in either list, and the best items of the first; `negative` where dislikes are asked.

        That is how many disliked items each user has, and, where the rule needs it, what the negative encoder makes of
        them.
        """
        own = self.scorer.own(state, known, self.gamma)
        told: Dislikes | None = self.scorer.dislikes(known, *negative) if negative else None
        scores = topk.exclude(self.scorer.lower(own, self.gamma, told), seen)
        indices, _, _ = topk.top_items(scores, tf.constant(self.k))
        place = topk.target_rank(scores, target)
        if told is None:
            return place, place, indices
        by_default = topk.exclude(self.scorer.lower(own, self.gamma), seen)
        return place, topk.target_rank(by_default, target), indices

    def encode_latest(self, items: Tensor, **options: bool) -> Tensor:
        """The state after the last items of each history, (batch, any width) of indices -> (batch, dim)."""
        return self._encode(topk.latest_items(items, self.history_length), **options)

    def _negative_state(self, items: Tensor, **options: bool) -> Tensor | None:
        """What the negative encoder makes of the disliked items; None where the rule does not read it."""
        return self.encode_latest(items, negative=True, **options) if self.scorer.needs_negative_encoder else None


def _traced_once(model: PNFRec) -> Callable[..., Tensor]:
    """`model.encode_history`, traced once for all signatures that read histories the same way."""

    @functools.cache
    def function(**options: bool) -> Any:
        history = tf.TensorSpec([None, model.history_length], tf.int32)
        encode = functools.partial(model.encode_history, **options)
        return tf.function(encode, input_signature=[history], autograph=False)

    return lambda items, **options: function(**options)(items)


def in_float32(model: PNFRec) -> PNFRec:
    """The model itself, or a float32 copy of one trained in mixed precision: half-precision scores would tie."""
    if model.compute_dtype == "float32":
        return model
    copy: PNFRec = PNFRec.from_config({**model.get_config(), "dtype": "float32"})
    copy.set_weights(model.get_weights())
    return copy


def _largest(k: Tensor) -> Tensor:
    return tf.reduce_max(tf.concat([k, [0]], axis=0))


def _check_rule(model: PNFRec, config: ExportConfig) -> None:
    # A model of one history has no signature that takes another weight: at 0 no rule acts.
    if config.gamma or model.reads == POSITIVE:
        check_rule(config.rule, model.variant, model.alpha)
