"""PNFRec as a Keras model: what is trained, and how it is validated (spec, sections 3 and 4)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from pnfrec_core.measures import GROUPS, MEASURES, POSITIVE_GROUP
from pnfrec_core.whole_numbers import whole_number
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.batch import DISLIKED, IS_POSITIVE, PERIODS, POSITIVE, SEEN, TARGET
from pnfrec_keras.losses.objective import Objective
from pnfrec_keras.losses.softmax import Offsets
from pnfrec_keras.network import of_keras
from pnfrec_keras.network.encoders import TwoEncoders
from pnfrec_keras.network.gradients import WrittenGradients, overflowing_alike, summed
from pnfrec_keras.ranking import topk
from pnfrec_keras.ranking.metrics import RankingMetric
from pnfrec_keras.ranking.trend import Trend

Tensor = Any

# What `keras.Model.compile` takes, in its order.
_COMPILED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


@keras.saving.register_keras_serializable(package="pnfrec")
class PNFRec(TwoEncoders):
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

    With `soft_boundary` above 0 `y` also holds the margins of the labels, float32 of their shape, by the name of the
    sequence and "_margins". With `eta` or `preference` above 0 it holds the disliked items, int32 (batch, any), as
    "disliked", and the position of the last like before each as "disliked_places"; for `positions="from_end"` `x` also
    holds how many likes of each user have a label, int32 (batch,), as "positive_labelled". With `trend_days` `y` holds
    the periods of all of these (`Trend.periods`), int32, by the name of the sequence and "_periods", and `set_trend` is
    to be called before training. `pnfrec_keras.fit` does both.

    Args:
        num_items: N, the size of the catalogue; item indices are 1..N. The draws of a sampled `loss` want them in the
            order of popularity, as a `Vocabulary` has them; with another order it is right but learns less of each.
        config: The network and its loss; None: `ModelConfig()`.
        k: Length of the list that the measures look at.
        **settings: Fields of `pnfrec_keras.config.ModelConfig`, which say more than `config`: `dim=32, alpha=0.45`.
            `name`, `dtype` and `trainable` go to Keras.

    Raises:
        TypeError: There is no such setting.
        ValueError: A setting is out of its range.

    Reference:
        Ivanova, Frolov, Vasilev: Benefiting from Negative yet Informative Feedback by Contrasting Opposing Sequential
        Patterns. RecSys 2025, arXiv 2508.14786.
    """

    def __init__(
        self, num_items: int, config: ModelConfig | None = None, *, k: int = TrainingConfig.k, **settings: Any
    ) -> None:
        keras_settings = of_keras.taken_from(settings)
        super().__init__(num_items, _with_settings(config or ModelConfig(), settings), **keras_settings)
        self.k = k = whole_number("k", k)
        self.objective = Objective(self.config, num_items)
        self._popularity = tf.zeros([num_items + 1])
        self._trends: dict[str, tuple[Tensor, float]] = {}  # table, and its largest distance from 0
        # After the layers, which so begin with the same weights whatever the loss.
        self.negatives_seed = keras.random.SeedGenerator() if self.objective.sampled_loss else None
        self.ranking_metrics = [RankingMetric(measure, group, k) for group in GROUPS for measure in MEASURES]
        self.loss_parts = {name: keras.metrics.Mean(name=f"loss_{name}") for name in self.objective.names}

    def get_config(self) -> dict[str, Any]:
        settings = dataclasses.asdict(self.config)
        return {**super().get_config(), "num_items": self.num_items, **settings, "k": self.k}

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

    def compile(self, *args: Any, jit_compile: bool = False, **kwargs: Any) -> None:
        """As Keras', but XLA only where it is asked for: it works on padding too, and compiles each new width.

        Raises:
            ValueError: It is given a loss or measures, of which the model has its own.
        """
        given = {**dict(zip(_COMPILED, args, strict=False)), **kwargs}
        if idle := [name for name in _COMPILED[1:] if given.get(name) is not None]:
            msg = (
                f"PNFRec has a loss and measures of its own, so that {', '.join(idle)} would do nothing: leave that "
                "out, and say by `PNFRec(loss=..., alpha=..., beta=...)` what the loss is."
            )
            raise ValueError(msg)
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """As it was compiled when it was saved: Keras leaves that to a model that has a `compile` of its own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def make_train_function(self, force: bool = False) -> Any:
        """As Keras', but the optimizer gets its variables first: a step that makes them is traced twice."""
        of_keras.check_trainable(self)
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the optimizer. The polarities follow one another, so that the activations of one are gone before
        those of the other begin; the gradient is the same sum.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        _refuse_weights(sample_weight)
        self.objective.check(x, y)
        written, variables = WrittenGradients(), self.trainable_variables
        gradients: list[Tensor] = [None] * len(variables)
        before: list[Tensor] = []
        for sequence in self.objective.sequences:
            with tf.control_dependencies(before):
                # Copies, since a dependency holds nothing back that reads the batch itself.
                inputs = {name: tf.identity(items) for name, items in x.items()}
                with tf.GradientTape() as tape:
                    hidden = self._hidden(sequence, inputs, True)
                    loss = self.optimizer.scale_loss(self._loss(sequence, hidden, inputs, y, training=True))
                gradients = [summed(pair) for pair in zip(gradients, tape.gradient(loss, variables), strict=True)]
            before = [loss]
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = overflowing_alike(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        written.let_go()
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
        return tf.add_n([self._loss(name, y_pred[name], x, y, training) for name in self.objective.sequences])

    def _loss(self, sequence: str, hidden: Tensor, x: Any, y: Any, training: bool) -> Tensor:
        """The terms of the objective that read a sequence; they are logged too."""
        total, means = self.objective.loss(
            *(sequence, hidden, (x, y), self.item_embedding.table()),
            seed=self._draw_seed() if training else None,
            offsets=self._offsets(sequence, y) if self.trend_days else None,
            dislike_offsets=self._offsets(sequence, y, DISLIKED) if self.trend_days and self.config.eta else None,
            step=self._step(),
            compact=not self.jit_compile,
        )
        for name, mean in means.items():
            self.loss_parts[name].update_state(mean)
        return total

    def _draw_seed(self) -> Tensor | None:
        """Of the negatives of a step, for a sampled loss."""
        if self.negatives_seed is None:
            return None
        # As Keras' own random layers do: the generator keeps int64 for the sake of GPUs, draws want int32.
        return tf.cast(tf.math.floormod(self.negatives_seed.next(), tf.int32.max), tf.int32)

    def _offsets(self, sequence: str, y: Any, of: str | None = None) -> Offsets:
        """What was chosen by the trend of a sequence before the period of each label: of its own, or `of` others."""
        if sequence not in self._trends:
            msg = "With `trend_days` call `set_trend` before training (`pnfrec_keras.fit` does)."
            raise ValueError(msg)
        table, largest = self._trends[sequence]
        return Offsets(table, y[(of or sequence) + PERIODS], largest)

    def _step(self) -> Any:
        optimizer = getattr(self, "optimizer", None)  # There is none before `compile`.
        return None if optimizer is None else optimizer.iterations

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        del x, y, y_pred, sample_weight
        ranking_names = {metric.name for metric in self.ranking_metrics}
        return {name: value for name, value in self._results().items() if name not in ranking_names}

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measures of ranking for evaluation batches; the loss for training batches."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not (isinstance(y, dict) and TARGET in y):
            self.objective.check(x, y)
            logs: dict[str, Any] = super().test_step(data)
            return logs
        history = x[POSITIVE] if self.reads == POSITIVE else topk.latest_items(x[SEEN], self.history_length)
        if isinstance(sample_weight, dict):
            sample_weight = sample_weight[TARGET]  # Keras spreads the weights of arrays over what `y` holds.
        rank = self.rank(history, x[SEEN], y[TARGET])
        # Without polarities every target is positive, and there is no other group to report.
        is_positive = y.get(IS_POSITIVE, tf.ones_like(rank))
        metrics = [metric for metric in self.ranking_metrics if IS_POSITIVE in y or metric.group == POSITIVE_GROUP]
        for metric in metrics:
            metric.update_state(is_positive, rank, sample_weight)
        return {metric.name: metric.result() for metric in metrics}

    def _get_metrics_result_or_logs(self, logs: dict[str, Any]) -> dict[str, float]:
        # Keras reports the mean of what the replicas logged unless a step logs all metrics; a mean of means is none.
        results = self._results()
        # Numbers, as Keras' own: callbacks write them to files.
        return {name: float(results.get(name, value)) for name, value in logs.items()}

    def _results(self) -> dict[str, Any]:
        results = {metric.name: metric.result() for metric in self.metrics}
        # The sum of the parts that stand beside it: Keras' own mean depends on how rows are spread over devices.
        means = {name: metric.result() for name, metric in self.loss_parts.items()}
        return {**results, "loss": self.objective.logged(means, self._step())}

    @property
    def popularity(self) -> Tensor:
        """What ranks histories without any known item in validation, (num_items + 1,)."""
        return self._popularity

    def set_popularity(self, popularity: Any) -> None:
        """What `rank` goes by for a history without any known item, as the export does. It is no weight: not saved.

        Args:
            popularity: (num_items + 1,), such as `Vocabulary.popularity`; all equal until it is set.
        """
        self._popularity = tf.ensure_shape(tf.cast(popularity, tf.float32), [self.num_items + 1])
        self.test_function = None  # A traced one holds the popularity of before.

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


def _with_settings(config: ModelConfig, settings: Mapping[str, Any]) -> ModelConfig:
    names = [field.name for field in dataclasses.fields(config)]
    if unknown := sorted(set(settings) - set(names)):
        msg = f"PNFRec has no setting {', '.join(unknown)}. It has: {', '.join([*names, 'k', *of_keras.NAMES])}."
        raise TypeError(msg)
    return dataclasses.replace(config, **settings)


def _refuse_weights(sample_weight: Any) -> None:
    if sample_weight is not None:
        msg = "PNFRec weighs all positions of a batch alike: train it without `sample_weight` and `class_weight`."
        raise ValueError(msg)
