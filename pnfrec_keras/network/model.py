"""PNFRec as a Keras model (spec, sections 3 and 4)."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from pnfrec_core.measures import GROUPS, MEASURES, POSITIVE_GROUP
from pnfrec_core.variants import variant_of
from pnfrec_keras.losses import terms, weighting
from pnfrec_keras.losses.sampled import SampledLoss
from pnfrec_keras.losses.softmax import Offsets
from pnfrec_keras.network.dropout import Dropout
from pnfrec_keras.network.layer_norm import LayerNorm
from pnfrec_keras.network.layers import ItemEmbedding, PositionEmbedding, SequenceEncoder
from pnfrec_keras.network.ragged import Tokens
from pnfrec_keras.ranking import topk
from pnfrec_keras.ranking.metrics import RankingMetric
from pnfrec_keras.ranking.trend import Trend

# Keys of the batches that `fit` and `evaluate` take; `pnfrec_keras.examples.arrays` makes them.
POSITIVE = "positive"
NEGATIVE = "negative"
MIXED = "mixed"
MIXED_IS_POSITIVE = "mixed_is_positive"
MARGINS = "_margins"  # of the labels of a sequence, under its name and this
PERIODS = "_periods"  # the periods that they fall into, likewise
SEEN = "seen"
TARGET = "target"
IS_POSITIVE = "is_positive"

Tensor = Any


@keras.saving.register_keras_serializable(package="pnfrec")
class PNFRec(keras.Model):
    """Two causal transformer encoders over one item table, for positive and for negative feedback.

    Training batches are `(x, y)` with `x = {"positive", "negative"}`, the sequences but for their last items, and
    `y` of the same keys, the next items; all (batch, max_length) int32, padded on the right with 0. The loss is
    CE_p + alpha * CE_n + beta * L_contrastive, and its parts are logged. With a sampled `loss` CE_p and CE_n are
    that in training; `evaluate` on training batches gives the exact softmax whatever the loss.

    Evaluation batches are `(x, y)` with `x = {"positive": (batch, max_length), "seen": (batch, any)}` and
    `y = {"target": (batch,), "is_positive": (batch,)}`. They give HR, NDCG and MRR over the whole catalogue, seen items
    filtered, for positive targets (`ndcg_p`) and for negative ones (`ndcg_n`). `is_positive` may be left out when all
    targets are positive.

    `variant` names the models that the paper compares. With `alpha=0` there is no negative encoder, as in PNFRec_pc,
    with `beta=0` no contrastive term, as in PNFRec_pn. The weights at inference are the positive encoder's alone.

    SASRec and SASRec_c read the whole history at 2 * max_length instead: training batches hold `x = {"mixed",
    "negative"}` and `y = {"mixed", "mixed_is_positive"}`, where the flags tell which labels are positive; SASRec_c
    contrasts those with the user's negative items. In evaluation they read the last items of `seen`, which is in order.

    With `trend_days` above 0 `y` also holds the periods of the labels (`Trend.periods`), int32 of their shape, by the
    name of the sequence and "_periods"; `set_trend` is to be called before training.
    `pnfrec_keras.training.fitting.fit` does both.

    Args:
        num_items: N, the size of the catalogue; item indices are 1..N.
        max_length, dim, num_blocks, num_heads, dropout, alpha, beta, similarity, temperature, shared_positions,
            shared_final_norm, weighting, half_life, loss, sampled_items, calibration, soft_boundary, trend_days,
            variant: As in `pnfrec_keras.config.ModelConfig`. The draws of "sampled_softmax" want item indices in the
            order of popularity, as a `Vocabulary` has them; with another order it is right but learns less of each
            draw. With `soft_boundary` above 0 `y` also holds the margins of the labels, float32 of their shape, by the
            name of the sequence and "_margins".
        k: Length of the list that the measures look at.

    Reference:
        Ivanova, Frolov, Vasilev: Benefiting from Negative yet Informative Feedback by Contrasting Opposing Sequential
        Patterns. RecSys 2025, arXiv 2508.14786.
    """

    def __init__(
        self,
        num_items: int,
        max_length: int = 50,
        dim: int = 64,
        num_blocks: int = 2,
        num_heads: int = 1,
        dropout: float = 0.1,
        alpha: float = 0.45,
        beta: float = 0.25,
        similarity: str = "dot",
        temperature: float = 0.1,
        shared_positions: bool = True,
        shared_final_norm: bool = True,
        weighting: str = "fixed",
        half_life: int = 200,
        loss: str = "softmax",
        sampled_items: int = 1024,
        calibration: float = 0.75,
        soft_boundary: float = 0.0,
        trend_days: float = 0.0,
        variant: str = "PNFRec",
        k: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_items < 1:
            msg = f"`num_items` must be at least 1. Received: {num_items}."
            raise ValueError(msg)
        if similarity not in ("dot", "cosine"):
            msg = f"`similarity` must be 'dot' or 'cosine'. Received: {similarity!r}."
            raise ValueError(msg)
        if dim % num_heads:
            msg = f"`dim` must be a multiple of `num_heads`. Received: {dim} and {num_heads}."
            raise ValueError(msg)
        if trend_days and loss != "softmax":
            msg = f"`trend_days` needs `loss='softmax'`, which scores all items. Received: {loss!r}."
            raise ValueError(msg)
        parts = variant_of(variant)
        self.variant = variant
        self.num_items = num_items
        self.max_length = max_length
        self.reads = MIXED if parts.mixed else POSITIVE
        self.history_length = 2 * max_length if parts.mixed else max_length
        self.dim = dim
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.dropout = dropout
        self.alpha = alpha if parts.negative_loss else 0.0
        self.beta = beta if parts.contrastive else 0.0
        self.similarity = "cosine" if parts.mixed else similarity
        self.temperature = temperature
        self.shared_positions = shared_positions
        self.shared_final_norm = shared_final_norm
        self.weighting = weighting
        self.half_life = half_life
        self.next_item_loss = loss  # `loss` is an attribute of Keras' own
        self.sampled_items = sampled_items
        self.calibration = calibration
        self.soft_boundary = soft_boundary
        self.trend_days = trend_days
        self.k = k
        self._popularity = tf.zeros([num_items + 1])
        self.sampled_loss = None if loss == "softmax" else SampledLoss(loss, num_items, sampled_items, calibration)
        self._make_layers()
        # After the layers, which so begin with the same weights whatever the loss.
        self.negatives_seed = keras.random.SeedGenerator() if self.sampled_loss else None
        self.ranking_metrics = [RankingMetric(measure, group, k) for group in GROUPS for measure in MEASURES]
        names = [*self._sequences(), *(["contrastive"] if self.beta else [])]
        self.loss_parts = {name: keras.metrics.Mean(name=f"loss_{name}") for name in names}

    def _sequences(self) -> tuple[str, ...]:
        return (self.reads, NEGATIVE) if self.alpha else (self.reads,)

    def _make_layers(self) -> None:
        common: dict[str, Any] = {"dtype": self.dtype_policy}
        shape = (None, self.history_length, self.dim)
        self.item_embedding = ItemEmbedding(self.num_items, self.dim, name="item_embedding", **common)
        self.positive_positions = PositionEmbedding(self.history_length, self.dim, name="positive_positions", **common)
        self.input_dropout = Dropout(self.dropout, name="input_dropout", **common)
        stack = (self.num_blocks, self.dim, self.num_heads, self.dropout)
        self.positive_encoder = SequenceEncoder(*stack, name="positive_encoder", **common)
        self.final_norm = LayerNorm(name="final_norm", **common)
        self.negative_encoder = SequenceEncoder(*stack, name="negative_encoder", **common) if self.alpha else None
        self.negative_positions = self.positive_positions
        if self.alpha and not self.shared_positions:
            self.negative_positions = PositionEmbedding(self.max_length, self.dim, name="negative_positions", **common)
            self.negative_positions.build()
        self.negative_final_norm = self.final_norm
        if self.alpha and not self.shared_final_norm:
            self.negative_final_norm = LayerNorm(name="negative_final_norm", **common)
            self.negative_final_norm.build(shape)
        # Weights exist from the start, so that a checkpoint can be loaded before the first batch.
        self.item_embedding.build()
        self.positive_positions.build()
        self.positive_encoder.build(shape)
        self.final_norm.build(shape)
        if self.negative_encoder is not None:
            self.negative_encoder.build(shape)
        self._trends: dict[str, tuple[Tensor, float]] = {}  # table, and its largest distance from 0
        self.trend_weights: dict[str, Any] = {}
        for sequence in self._sequences() if self.trend_days else ():
            name = "negative_trend" if sequence == NEGATIVE else "positive_trend"
            self.trend_weights[sequence] = self.add_weight(
                shape=[self.num_items + 1], initializer="zeros", trainable=False, name=name
            )
        self.built = True

    def set_trend(self, trends: Mapping[str, Trend]) -> None:
        """What training adds to the logits at each time, and ranking that of the end; for `trend_days` above 0.

        That of the end is a weight and saved with the model; those of training are not: set them again to go on.

        Args:
            trends: By the sequences that the model learns from (`TrainingArrays`), see
                `pnfrec_keras.ranking.trend.trend_of`.

        Raises:
            ValueError: A trend is missing, or of another number of items.
        """
        for sequence, weight in self.trend_weights.items():
            trend = trends.get(sequence)
            if trend is None or trend.latest.shape != tuple(weight.shape):
                found = "none" if trend is None else f"one of {len(trend.latest) - 1} items"
                msg = f"The model needs a trend of {self.num_items} items for {sequence!r}. Received: {found}."
                raise ValueError(msg)
        for sequence, weight in self.trend_weights.items():
            weight.assign(trends[sequence].latest)
        # Tensors, not arrays: traced code captures those, and would hold a copy of these.
        tables = {sequence: tf.constant(trends[sequence].table[:, 1:]) for sequence in self.trend_weights}
        self._trends = {name: (table, float(abs(trends[name].table).max())) for name, table in tables.items()}
        self.train_function = self.test_function = None  # Traced ones hold the trends of before.

    def _part(self, sequence: str) -> tuple[Any, Any, Any]:
        """Position table, stack of blocks and final norm that read a sequence."""
        if sequence == self.reads:
            return self.positive_positions, self.positive_encoder, self.final_norm
        return self.negative_positions, self.negative_encoder, self.negative_final_norm

    def _encode(self, items: Tensor, sequence: str, training: bool | None) -> Tensor:
        positions, encoder, norm = self._part(sequence)
        mask = items > 0  # (batch, length)
        real = ops.cast(ops.expand_dims(mask, -1), self.compute_dtype)
        x = math.sqrt(self.dim) * self.item_embedding(items) + positions(tf.range(tf.shape(items)[1]))
        x = self.input_dropout(x, training=training) * real
        return norm(encoder(x, mask, training=training), training=training)  # (batch, length, dim)

    def _encode_tokens(self, items: Tensor, sequence: str, training: bool | None) -> Tensor:
        """`_encode` without work on padding, for training; zero at padding, the same elsewhere."""
        positions, encoder, norm = self._part(sequence)
        tokens = Tokens(items)
        x = math.sqrt(self.dim) * self.item_embedding(tokens.take(items)) + positions(tokens.columns)
        x = self.input_dropout(x, training=training)  # (tokens, dim)
        x = norm(encoder(x, tokens=tokens, training=training), training=training)
        return tokens.put_back(x)

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> dict[str, Tensor]:
        """Hidden states of each position and polarity, (batch, length, dim). What stands at padding has no meaning."""
        hidden = {self.reads: self._hidden(self.reads, inputs, training)}
        if self.negative_encoder is not None and NEGATIVE in inputs:
            hidden[NEGATIVE] = self._hidden(NEGATIVE, inputs, training)
        return hidden

    def _hidden(self, sequence: str, inputs: dict[str, Tensor], training: bool | None) -> Tensor:
        # XLA needs shapes that do not depend on how many positions are real.
        encode = self._encode_tokens if training and not self.jit_compile else self._encode
        return encode(inputs[sequence], sequence, training)

    def compile(self, *args: Any, jit_compile: bool = False, **kwargs: Any) -> None:
        """As Keras', but XLA only where it is asked for: it works on padding too, and compiles each new width."""
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the optimizer. The polarities follow one another, so that the activations of one are gone before
        those of the other begin; the gradient is the same sum.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        _refuse_weights(sample_weight)
        variables = self.trainable_variables
        gradients: list[Tensor] = [None] * len(variables)
        before: list[Tensor] = []
        for sequence in self._sequences():
            with tf.control_dependencies(before):
                # Copies, since a dependency holds nothing back that reads the batch itself.
                inputs = {name: tf.identity(items) for name, items in x.items()}
                with tf.GradientTape() as tape:
                    hidden = self._hidden(sequence, inputs, True)
                    loss = self.optimizer.scale_loss(self._loss(sequence, hidden, inputs, y, training=True))
                gradients = [_sum(pair) for pair in zip(gradients, tape.gradient(loss, variables), strict=True)]
            before = [loss]
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, None)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """CE_p + alpha * CE_n + beta * L_contrastive, each a mean over the real positions of the global batch."""
        _refuse_weights(sample_weight)
        return tf.add_n([self._loss(name, y_pred[name], x, y, training) for name in self._sequences()])

    def _loss(self, sequence: str, hidden: Tensor, x: Any, y: Any, training: bool) -> Tensor:
        """The terms that read the hidden states of a sequence: CE_p + beta * L_contrastive, or alpha * CE_n."""
        table = self.item_embedding.table()
        labels = y[sequence]
        weights = None
        if self.soft_boundary:
            weights = terms.position_weights(y[sequence + MARGINS], self.soft_boundary)
        offsets = self._offsets(sequence, y) if self.trend_days else None
        summed = self._next_item_sum(hidden, labels, table, weights, offsets, training)
        parts = {sequence: (summed, terms.real_positions(labels, weights))}
        if self.beta and sequence == self.reads:
            if sequence == MIXED:  # no attraction to what the user disliked
                labels = labels * tf.cast(y[MIXED_IS_POSITIVE], labels.dtype)
            contrast: dict[str, Any] = {"similarity": self.similarity, "temperature": self.temperature}
            summed = terms.contrastive_sum(hidden, labels, x[NEGATIVE], table, weights, **contrast)
            parts["contrastive"] = (summed, terms.real_positions(labels, weights))
        total = tf.constant(0.0)
        for part, (summed, count) in parts.items():
            value, replicas = _global_mean(summed, count)
            self.loss_parts[part].update_state(value * replicas)
            total += self._weights()[part] * (weighting.relative(value) if self.weighting == "geometric" else value)
        return total

    def _next_item_sum(
        self,
        hidden: Tensor,
        labels: Tensor,
        table: Tensor,
        weights: Tensor | None,
        offsets: Offsets | None,
        training: bool,
    ) -> Tensor:
        """CE_p or CE_n; in evaluation the exact one, which compares models of any loss and depends on no draw."""
        compact = not self.jit_compile
        if self.sampled_loss is None or self.negatives_seed is None or not training:
            return terms.cross_entropy_sum(hidden, labels, table, weights, offsets, compact=compact)
        # As Keras' own random layers do: the generator keeps int64 for the sake of GPUs, draws want int32.
        seed = tf.cast(tf.math.floormod(self.negatives_seed.next(), tf.int32.max), tf.int32)
        return terms.sampled_sum(hidden, labels, table, self.sampled_loss, seed, weights, compact=compact)

    def _offsets(self, sequence: str, y: Any) -> Offsets:
        """What was chosen before each label's period."""
        if sequence not in self._trends:
            msg = "With `trend_days` call `set_trend` before training (`pnfrec_keras.training.fitting.fit` does)."
            raise ValueError(msg)
        table, largest = self._trends[sequence]
        return Offsets(table, y[sequence + PERIODS], largest)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        del x, y, y_pred, sample_weight
        ranking_names = {metric.name for metric in self.ranking_metrics}
        return {name: value for name, value in self._results().items() if name not in ranking_names}

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measures of ranking for evaluation batches; the loss for training batches."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not (isinstance(y, dict) and TARGET in y):
            logs: dict[str, Any] = super().test_step(data)
            return logs
        history = x[POSITIVE] if self.reads == POSITIVE else topk.latest_items(x[SEEN], self.history_length)
        rank = self.rank(history, x[SEEN], y[TARGET])
        # Without polarities every target is positive, and there is no other group to report.
        is_positive = y.get(IS_POSITIVE, tf.ones_like(rank))
        metrics = [metric for metric in self.ranking_metrics if IS_POSITIVE in y or metric.group == POSITIVE_GROUP]
        for metric in metrics:
            metric.update_state(is_positive, rank, sample_weight)
        return {metric.name: metric.result() for metric in metrics}

    def _get_metrics_result_or_logs(self, logs: dict[str, Any]) -> dict[str, Any]:
        # Keras reports the mean of what the replicas logged unless a step logs all metrics; a mean of means is none.
        results = self._results()
        return {name: results.get(name, value) for name, value in logs.items()}

    def _results(self) -> dict[str, Any]:
        results = {metric.name: metric.result() for metric in self.metrics}
        # The sum of the parts that stand beside it: Keras' own mean depends on how rows are spread over devices.
        show = weighting.logged if self.weighting == "geometric" else tf.identity
        results["loss"] = sum(
            weight * show(self.loss_parts[part].result())
            for part, weight in self._weights().items()
            if part in self.loss_parts
        )
        return results

    def _weights(self) -> dict[str, Any]:
        """Of each term, at this step."""
        weights: dict[str, Any] = {NEGATIVE: self.alpha, "contrastive": self.beta}
        if self.weighting == "decay" and self.optimizer is not None:
            step = self.optimizer.iterations
            weights = {name: weighting.decayed(weight, step, self.half_life) for name, weight in weights.items()}
        return {self.reads: 1.0, **weights}

    def encode_history(self, history: Tensor, *, negative: bool = False, skip_padding: bool = False) -> Tensor:
        """The state after the last item of each history: (batch, history_length) -> (batch, dim).

        Args:
            history: Item indices, padded on the right: the positive ones, or all for SASRec and SASRec_c.
            negative: By the negative encoder, which must be there (`alpha` above 0); the history is the negative items.
            skip_padding: Leaves out padding: faster for many rows, slower for a few, and nothing for XLA.
        """
        encode = self._encode_tokens if skip_padding else self._encode
        hidden = encode(history, NEGATIVE if negative else self.reads, False)
        last = tf.maximum(tf.math.count_nonzero(history, axis=1, dtype=tf.int32) - 1, 0)
        return tf.gather(hidden, last, axis=1, batch_dims=1)

    def scores(self, history: Tensor) -> Tensor:
        """Scores of the whole catalogue, float32 (batch, num_items + 1); column 0 is padding."""
        return self.state_scores(self.encode_history(history))

    def state_scores(self, state: Tensor, *, negative: bool = False) -> Tensor:
        """`scores` of what `encode_history` gives; float32 in mixed precision too, as exported: halves would tie."""
        table = tf.convert_to_tensor(self.item_embedding.embeddings)
        scores = tf.matmul(tf.cast(state, tf.float32), table, transpose_b=True)
        trend = self.trend_weights.get(NEGATIVE if negative else self.reads)
        return scores if trend is None else scores + tf.convert_to_tensor(trend)

    def set_popularity(self, popularity: Any) -> None:
        """What `rank` goes by for a history without any known item, as the export does. It is no weight: not saved.

        Args:
            popularity: (num_items + 1,), such as `Vocabulary.popularity`; all equal until it is set.
        """
        self._popularity = tf.ensure_shape(tf.cast(popularity, tf.float32), [self.num_items + 1])
        self.test_function = None  # A traced one holds the popularity of before.

    def fallback(self, popularity: Tensor) -> Tensor:
        """What ranks a history without any known item: what is chosen now where the model knows it, else `popularity`.

        Args:
            popularity: (num_items + 1,).
        """
        trend = self.trend_weights.get(self.reads)
        return popularity if trend is None else tf.convert_to_tensor(trend)

    def rank(self, history: Tensor, seen: Tensor, target: Tensor) -> Tensor:
        """Rank of each target over the whole catalogue, seen items filtered; see `ranking.topk.target_rank`."""
        static = self.jit_compile

        def rank(state: Tensor, known: Tensor, seen: Tensor, target: Tensor) -> tuple[Tensor]:
            popularity = self.fallback(self._popularity)
            scores = topk.fall_back(self.state_scores(state), known, popularity, static_shapes=static)
            return (topk.target_rank(topk.exclude(scores, seen), target, static_shapes=static),)

        known = tf.math.count_nonzero(history, axis=1, dtype=tf.int32)
        values = (self.encode_history(history, skip_padding=not static), known, seen, target)
        if self.jit_compile:
            return rank(*values)[0]
        return topk.by_blocks(rank, values, self.num_items + 1, [tf.int64])[0]

    def get_config(self) -> dict[str, Any]:
        names = (
            *("num_items", "max_length", "dim", "num_blocks", "num_heads", "dropout", "alpha", "beta"),
            *("similarity", "temperature", "shared_positions", "shared_final_norm", "sampled_items", "calibration"),
            *("weighting", "half_life", "soft_boundary", "trend_days", "variant", "k"),
        )
        settings = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **settings, "loss": self.next_item_loss}


def _refuse_weights(sample_weight: Any) -> None:
    if sample_weight is not None:
        msg = "PNFRec weighs all positions of a batch alike: train it without `sample_weight` and `class_weight`."
        raise ValueError(msg)


def _sum(gradients: tuple[Tensor, ...]) -> Tensor:
    """Of the gradients that are there, dense; None where there is none."""
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
    return tf.add_n(dense) if dense else None


def _global_mean(summed: Tensor, count: Tensor) -> tuple[Tensor, float]:
    """This replica's share of the mean over all replicas' positions, and the number of replicas.

    `count` is the number of this replica's positions, or the sum of their weights.

    Gradients are summed over replicas, so shares (not local means) make the step equal to that of one device.
    """
    context = tf.distribute.get_replica_context()
    replicas = 1
    if context is not None and context.num_replicas_in_sync > 1:
        replicas = context.num_replicas_in_sync
        count = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    # No position, or none that counts, gives 0. Weights may sum to less than 1.
    return summed / tf.where(count > 0.0, count, 1.0), float(replicas)
