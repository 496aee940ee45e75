"""The SavedModel: raw ids in, ranked ids out, and the ranks that the gate needs (docs/reference/signatures.md).

The module holds raw variables and tables, not the Keras model: TensorFlow Serving loads a SavedModel as a TF1-style
session, and there a saved Keras 3 model does not find its variables (tensorflow/serving#2250).
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.config import check_recency, check_rule
from pnfrec_keras.examples.batch import POSITIVE
from pnfrec_keras.examples.records import evaluation_parsing_spec, item_table
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking import rules, topk

log = logging.getLogger(__name__)

Tensor = Any


class Ranker(tf.Module):  # type: ignore[misc]
    """The functions of the export over one set of weights.

    Args:
        model: The trained model.
        vocabulary: Its catalogue, of `model.num_items` items.
        rule, gamma, recency: How the gate and serving rank; see `pnfrec_keras.config.ExportConfig`.

    Raises:
        ValueError: Model and vocabulary differ in size, the rule needs a negative encoder and there is none, or recency
            needs counts that the vocabulary has not.
    """

    def __init__(
        self,
        model: PNFRec,
        vocabulary: Vocabulary,
        rule: str = "like_rate",
        gamma: float = 0.0,
        recency: float = 0.0,
    ) -> None:
        super().__init__(name="pnfrec_ranker")
        if model.num_items != len(vocabulary):
            msg = (
                f"The model has {model.num_items} items, its vocabulary {len(vocabulary)}. They must come from one run."
            )
            raise ValueError(msg)
        _check_rule(model, rule, gamma)
        model = in_float32(model)
        # Kept as a plain closure: only the raw variables are tracked and saved.
        self._encode = model.encode_history
        self._state_scores = model.state_scores
        self.weights = [variable.value for variable in model.variables]
        self.table = item_table(vocabulary)
        self.history_length = model.history_length
        self._history = schema.POSITIVE_ITEM_IDS if model.reads == POSITIVE else schema.SEEN_ITEM_IDS
        self.k = model.k
        self.num_items = model.num_items
        self.rule = rule
        self.gamma = float(gamma)  # a tensor is one a row, told apart by its type
        self.reads_positives = model.reads == POSITIVE
        self._item_ids = tf.constant(["", *vocabulary.item_ids])
        popularity = vocabulary.popularity()
        self._popularity = tf.constant(np.array(model.fallback(popularity)))
        # In the scale of scores, for a rule to be added to; in the same order.
        self._log_popularity = tf.constant(np.array(model.fallback(rules.log_popularity(popularity))))
        self._log_like_rate = tf.constant(rules.log_like_rate(vocabulary.counts, vocabulary.positive_counts))
        self._like_odds = rules.LikeOdds(vocabulary.counts, vocabulary.positive_counts)
        check_recency(recency, model.trend_days)
        self._recency = _recency(vocabulary, recency) if recency else None

    def recommend(self, history_ids: Tensor, exclude_ids: Tensor, k: Tensor) -> dict[str, Tensor]:
        """`serving_default`: see docs/reference/signatures.md."""
        history, excluded = self.table.lookup(history_ids), self.table.lookup(exclude_ids)
        seen = tf.concat([history, excluded], axis=1)
        known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
        return self._answer(self.best(history, known, seen, _largest(k)), known, k)

    def recommend_with_negatives(
        self, positive_ids: Tensor, negative_ids: Tensor, exclude_ids: Tensor, k: Tensor, gamma: Tensor
    ) -> dict[str, Tensor]:
        """`with_negatives`: see docs/reference/signatures.md."""
        positive, negative = self.table.lookup(positive_ids), self.table.lookup(negative_ids)
        seen = tf.concat([positive, negative, self.table.lookup(exclude_ids)], axis=1)
        known, disliked = (tf.math.count_nonzero(items, axis=1, dtype=tf.int32) for items in (positive, negative))
        # Without a like, the positive encoder reads the dislikes: people dislike what they had reason to try.
        width = tf.maximum(tf.shape(positive)[1], tf.shape(negative)[1])
        both = [tf.pad(items, [[0, 0], [0, width - tf.shape(items)[1]]]) for items in (positive, negative)]
        read = tf.where(tf.equal(known, 0)[:, tf.newaxis], both[1], both[0])
        state = self._encode(topk.latest_items(read, self.history_length))
        scores = topk.fall_back(self._state_scores(state), known + disliked, self._log_popularity)
        own = tf.math.is_nan(gamma)
        # Below 0 it would raise what is disliked.
        usable = tf.reduce_all(own | (tf.math.is_finite(gamma) & (gamma >= 0)))
        tf.debugging.Assert(usable, ["`gamma` must be finite and 0 or more, or NaN for the model's own.", gamma])
        gamma = tf.where(own, self.gamma, gamma)
        negative_state = None
        if self._needs_negatives:
            negative_state = self._encode(topk.latest_items(negative, self.history_length), negative=True)
        counts = self._read(known), self._read(disliked)
        scores = self._lowered(scores, gamma, negative_state, counts)
        return self._answer(topk.best_items(scores, seen, _largest(k)), known + disliked, k)

    def _answer(self, best: tuple[Tensor, Tensor, Tensor], known: Tensor, k: Tensor) -> dict[str, Tensor]:
        indices, scores, valid = best
        valid &= tf.range(tf.shape(indices)[1])[tf.newaxis, :] < k[:, tf.newaxis]
        return {
            schema.OUTPUT_ITEM_IDS: tf.gather(self._item_ids, tf.where(valid, indices, 0)),
            schema.OUTPUT_SCORES: tf.where(valid, scores, 0.0),
            schema.OUTPUT_COUNT: tf.math.count_nonzero(valid, axis=1, dtype=tf.int32),
            schema.OUTPUT_FALLBACK: tf.equal(known, 0),
            schema.OUTPUT_KNOWN_ITEMS: known,
        }

    def best(self, history: Tensor, known: Tensor, seen: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Indices, scores and validity of the best `k` items for each history, as `ranking.top_items` returns them."""
        return topk.best_items(self.scores(history, known), seen, k)

    def scores(self, history: Tensor, known: Tensor) -> Tensor:
        """Scores of the catalogue: by the positive encoder, by popularity where it has nothing to read."""
        state = self._encode(topk.latest_items(history, self.history_length))
        scores = topk.fall_back(self._state_scores(state), known, self._fallback)
        return self._lowered_by_default(scores)

    def _read(self, known: Tensor) -> Tensor:
        """How many of the known items of a history the encoders read."""
        return tf.minimum(known, self.history_length)

    @property
    def _needs_negatives(self) -> bool:
        return rules.needs_negative_encoder(self.rule)

    @property
    def _fallback(self) -> Tensor:
        return self._log_popularity if self.gamma or self._recency is not None else self._popularity

    def _lowered(
        self, scores: Tensor, gamma: Any, negative_state: Tensor | None, counts: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """Scores by rule and recency; the very same ones where both weights are a plain 0.

        `counts` are the liked and the disliked items that are read of each user, None where nobody tells the latter.
        """
        if negative_state is not None and counts is not None:
            _, disliked = counts
            negative = self._state_scores(negative_state, negative=True)
            scores = rules.combine(scores, negative, gamma, disliked, self.rule)
        elif not isinstance(gamma, float) or gamma:
            weight = gamma if isinstance(gamma, float) else gamma[:, tf.newaxis]
            by_user = self._like_odds(*counts) if counts is not None and self.rule == "like_odds" else None
            scores += weight * (self._log_like_rate if by_user is None else by_user)
        return scores if self._recency is None else scores + self._recency

    def _lowered_by_default(self, scores: Tensor) -> Tensor:
        """As `serving_default` ranks, which is told no dislikes: those of all users lower items all the same."""
        return self._lowered(scores, 0.0 if self._needs_negatives else self.gamma, None, None)

    def rank_examples(self, serialized: Tensor) -> dict[str, Tensor]:
        """`rank_examples`: see docs/reference/signatures.md."""
        asks = rules.needs_dislikes(self.rule) and self.gamma > 0
        parsed = tf.io.parse_example(serialized, evaluation_parsing_spec(negative=asks))
        history = self.table.lookup(parsed[self._history].to_tensor(default_value=""))
        seen = self.table.lookup(parsed[schema.SEEN_ITEM_IDS].to_tensor(default_value=""))
        target = self.table.lookup(parsed[schema.TARGET_ITEM_ID])
        known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
        values = [self._encode(topk.latest_items(history, self.history_length), skip_padding=True)]
        values += [known, seen, target]
        if asks:
            negative = self.table.lookup(parsed[schema.NEGATIVE_ITEM_IDS].to_tensor(default_value=""))
            values.append(tf.math.count_nonzero(negative, axis=1, dtype=tf.int32))
        if asks and self._needs_negatives:
            latest = topk.latest_items(negative, self.history_length)
            values.append(self._encode(latest, negative=True, skip_padding=True))

        def rank(
            state: Tensor, known: Tensor, seen: Tensor, target: Tensor, *dislikes: Tensor
        ) -> tuple[Tensor, Tensor, Tensor]:
            own = topk.fall_back(self._state_scores(state), known, self._fallback)
            counts = (self._read(known), self._read(dislikes[0])) if dislikes else None
            negative_state = dislikes[1] if len(dislikes) > 1 else None
            scores = topk.exclude(self._lowered(own, self.gamma, negative_state, counts), seen)
            indices, _, _ = topk.top_items(scores, tf.constant(self.k))
            place = topk.target_rank(scores, target)
            if not dislikes:
                return place, place, indices
            by_default = topk.exclude(self._lowered_by_default(own), seen)
            return place, topk.target_rank(by_default, target), indices

        dtypes = [tf.int64, tf.int64, tf.int32]
        ranks, default_ranks, indices = topk.by_blocks(rank, values, self.num_items + 1, dtypes)
        # A catalogue of fewer than k items still answers k wide.
        indices = tf.pad(indices, [[0, 0], [0, self.k - tf.shape(indices)[1]]])
        return {
            schema.OUTPUT_RANK: ranks,
            schema.OUTPUT_DEFAULT_RANK: default_ranks,
            schema.OUTPUT_TOP_ITEMS: tf.cast(tf.ensure_shape(indices, [None, self.k]), tf.int64),
            schema.OUTPUT_CATALOGUE_SIZE: tf.fill([tf.shape(target)[0]], tf.constant(self.num_items, tf.int64)),
        }

    def signatures(self) -> dict[str, Any]:
        """Traced functions by the name of their signature."""

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None], tf.string, name=schema.POSITIVE_ITEM_IDS),
                tf.TensorSpec([None, None], tf.string, name=schema.EXCLUDE_ITEM_IDS),
                tf.TensorSpec([None], tf.int32, name=schema.K),
            ]
        )
        def recommend(positive_item_ids: Tensor, exclude_item_ids: Tensor, k: Tensor) -> dict[str, Tensor]:
            return self.recommend(positive_item_ids, exclude_item_ids, k)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=schema.RANK_INPUT)])
        def rank_examples(examples: Tensor) -> dict[str, Tensor]:
            return self.rank_examples(examples)

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
            return self.recommend_with_negatives(positive_item_ids, negative_item_ids, exclude_item_ids, k, gamma)

        found = {schema.SERVING_SIGNATURE: recommend, schema.RANK_SIGNATURE: rank_examples}
        # A mixed history has both polarities in it already, in their order, which two lists do not tell.
        return {**found, schema.NEGATIVES_SIGNATURE: with_negatives} if self.reads_positives else found


def _largest(k: Tensor) -> Tensor:
    return tf.reduce_max(tf.concat([k, [0]], axis=0))


def _recency(vocabulary: Vocabulary, weight: float) -> Tensor:
    if vocabulary.recent_positive_counts is None:
        msg = (
            "`export.recency` above 0 needs the likes of the last days, which this vocabulary does not have: set "
            "`feedback.recent_days` and run the pipeline again."
        )
        raise ValueError(msg)
    recent = rules.log_recency(vocabulary.positive_counts, vocabulary.recent_positive_counts)
    return tf.constant(weight * recent, tf.float32)


def _check_rule(model: PNFRec, rule: str, gamma: float) -> None:
    if rule not in rules.RULES:
        msg = f"`export.rule` must be one of {', '.join(rules.RULES)}. Received: {rule!r}."
        raise ValueError(msg)
    # A model of one history has no signature that takes another weight: at 0 no rule acts.
    if gamma or model.reads == POSITIVE:
        check_rule(rule, model.variant, model.alpha)


def export_saved_model(
    model: PNFRec,
    vocabulary: Vocabulary,
    path: str | Path,
    *,
    index: str = "plain",
    rule: str = "like_rate",
    gamma: float = 0.0,
    recency: float = 0.0,
    extra_assets: dict[str, str] | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        model: The trained model; exported in float32 whatever it was trained in.
        vocabulary: Its catalogue.
        path: Folder of the SavedModel; must not exist. It appears complete or not at all.
        index: "plain", or "tfrs" for BruteForce of tensorflow-recommenders.
        rule: How dislikes lower items; see `pnfrec_keras.config.ExportConfig`.
        gamma: Weight of the rule.
        recency: Weight of what is liked now.
        extra_assets: More files for `assets.extra/`, name to text, beside the vocabulary.

    Raises:
        FileExistsError: `path` exists.
        ValueError: Unknown `index`, or the vocabulary is not the model's.
    """
    path = Path(path)
    if path.exists():
        msg = f"{path} exists already. A SavedModel is never overwritten: choose a new folder."
        raise FileExistsError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        unfinished = Path(scratch) / "saved_model"
        if index == "plain":
            save(Ranker(model, vocabulary, rule, gamma, recency), unfinished)
        elif index == "tfrs" and (gamma or recency or model.trend_days):
            msg = (
                "`export.index: tfrs` ranks by the encoder alone: set `export.gamma`, `export.recency` and "
                "`model.trend_days` to 0."
            )
            raise ValueError(msg)
        elif index == "tfrs":
            _export_with_tfrs(model, vocabulary, Path(scratch), unfinished)
        else:
            msg = f"`export.index` must be 'plain' or 'tfrs'. Received: {index!r}."
            raise ValueError(msg)
        extra = unfinished / schema.EXTRA_ASSETS
        extra.mkdir()
        vocabulary.write(extra / schema.VOCABULARY_FILE)
        for name, text in (extra_assets or {}).items():
            (extra / name).write_text(text, encoding="utf-8")
        os.replace(unfinished, path)


def save(ranker: Ranker, path: Path) -> None:
    """Traces and saves the signatures of a ranker."""
    tf.saved_model.save(ranker, str(path), signatures=ranker.signatures())


def _export_with_tfrs(model: PNFRec, vocabulary: Vocabulary, scratch: Path, path: Path) -> None:
    """In a process of its own: tensorflow-recommenders needs Keras 2, which is chosen before TensorFlow loads."""
    model_path, vocabulary_path = scratch / "model.keras", scratch / schema.VOCABULARY_FILE
    model.save(model_path)
    vocabulary.write(vocabulary_path)
    command = [sys.executable, "-m", "pnfrec_keras.export.tfrs", str(model_path), str(vocabulary_path), str(path)]
    done = subprocess.run(
        command, env={**os.environ, "TF_USE_LEGACY_KERAS": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(path, ignore_errors=True)
        msg = f"The export with tensorflow-recommenders failed. Is the `tfrs` extra installed?\n{done.stderr[-2000:]}"
        raise RuntimeError(msg)


def in_float32(model: PNFRec) -> PNFRec:
    """The model itself, or a float32 copy of one trained in mixed precision: half-precision scores would tie."""
    if model.compute_dtype == "float32":
        return model
    copy: PNFRec = PNFRec.from_config({**model.get_config(), "dtype": "float32"})
    copy.set_weights(model.get_weights())
    return copy


def manifest(values: dict[str, Any]) -> str:
    """`manifest.json`: what made this model, as indented JSON."""
    return json.dumps(values, indent=2, sort_keys=True) + "\n"
