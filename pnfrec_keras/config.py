"""Settings of the network, of training and of the export. Nothing beyond the standard library is imported."""

import dataclasses
import math
import numbers
from typing import Any, ClassVar, Literal, get_args, get_origin

from pnfrec_core.settings.fields import CHOICES
from pnfrec_core.variants import variant_of
from pnfrec_keras.ranking import rules

_FORBID: dict[str, Any] = {"extra": "forbid"}


def _check(condition: bool, name: str, rule: str, value: object) -> None:
    if not condition:
        msg = f"`{name}` must be {rule}. Received: {value!r}."
        raise ValueError(msg)


_KINDS = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "text"),
}


def _check_types(config: Any, section: str) -> None:
    """Raises a ValueError for a value that is none of its field's choices, or of another type.

    Numbers of other types, such as numpy's, become Python's own.
    """
    for field in dataclasses.fields(config):
        name, value = f"{section}.{field.name}", getattr(config, field.name)
        if get_origin(field.type) is Literal:
            choices = get_args(field.type)
            _check(value in choices, name, f"one of {', '.join(choices)}", value)
        else:
            if value is None and type(None) in get_args(field.type):
                continue
            plain = next(iter(get_args(field.type)), field.type)  # of `bool | None`
            kind, description = _KINDS[plain]  # type: ignore[index]
            alike = isinstance(value, bool) == (plain is bool)
            _check(alike and isinstance(value, kind), name, description, value)
            if type(value) not in _KINDS:
                # numpy's numbers, which Keras 3.15 takes for no size of a layer.
                object.__setattr__(config, field.name, plain(value))  # type: ignore[operator]


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The network and its loss (spec, sections 2 to 4).

    Attributes:
        variant: The model of the paper: PNFRec; PNFRec without the contrastive term (PNFRec_pn) or without the negative
            encoder (PNFRec_pc); SASRec on the positive items (SASRec_p) or on the whole history (SASRec), and the
            latter with a contrastive term (SASRec_c).
        max_length: L, the number of items of each polarity that an encoder reads, the last ones of a longer history.
            SASRec and SASRec_c read 2 L items of both polarities.
        dim: d, the width of the network: of its embeddings and of its hidden states.
        num_blocks: The number of transformer blocks of each encoder.
        num_heads: The number of attention heads of each block; `dim` must be a multiple of it.
        block: The blocks of the encoders: "sasrec" (the paper); or "ligr", those of eSASRec, with learnt gates and a
            wider feed-forward part; or "hstu", which add up what they attend to (docs/guides/losses.md).
        dropout: The dropout rate, also on the attention weights.
        alpha: The weight of CE_n, the cross-entropy of the negative encoder; 0 removes that encoder, as PNFRec_pc does.
        beta: The weight of the contrastive term L_c; 0 removes the term, as PNFRec_pn does.
        similarity: What the contrastive term compares by: "dot" (the reference), or "cosine" divided by `temperature`
            (the paper). SASRec_c always takes the cosine.
        temperature: What the cosine of the contrastive term is divided by.
        positions: Where the positions of a sequence count from: "from_start" (the paper), or "from_end", so that a
            network learns how near a label is to the end of a user's training sequence, and ranks as at that end.
        position_std: The standard deviation that position embeddings begin with (the reference: 0.02). Item embeddings
            begin with 0.02 and are read times sqrt(dim), so that at 0.02 * sqrt(dim) positions begin as large as items.
        shared_positions: Whether both encoders share one position table (the reference) or have one each (the paper).
        shared_final_norm: Whether both encoders share the final LayerNorm (the reference) or have one each.
        weighting: How the terms of the loss are weighted: "fixed" by alpha and beta (the paper), "decay" or "geometric"
            (`pnfrec_keras.losses.weighting`).
        half_life: The number of training steps after which "decay" has halved alpha, beta, eta and `preference`.
        loss: The loss that CE_p and CE_n are: "softmax" over the whole catalogue is exact; "sampled_softmax" (with the
            logQ correction) and "gbce" are for catalogues that are too large for it (docs/guides/losses.md).
        sampled_items: The number of negatives of a step, for "sampled_softmax" and "gbce"; it must be below the size of
            the catalogue.
        calibration: t of "gbce": 0 is plain binary cross-entropy, 1 is fully calibrated.
        soft_boundary: The distance from the boundary between liked and disliked, in units of the value, from which an
            interaction counts in full in all terms; nearer ones count in proportion. With 0 all count alike (the
            paper).
        trend_days: The number of days whose choices, by all users, say what is chosen now
            (`pnfrec_keras.ranking.trend`). The logarithm of their counts is added to the scores: in training those
            before each label, in ranking those at the end of training. With 0 nothing is added (the paper).
        eta: The weight of "not to recommend": of -log(1 - p(i)) for each item i that a user disliked, where p is what
            the encoder of likes gives it after the likes before it (docs/guides/dislikes.md). With a sampled `loss` it
            is seen beside the negatives of the step. With 0 there is none.
        eta_share: What a dislike weighs in that term and in `preference`: as much as a "like"; or a "user"'s dislikes
            together as much as that user's likes.
        eta_top: The rank in the whole catalogue from which on a disliked item is low enough: the term then leaves it
            alone. With 0 it never is.
        preference: The weight of -log sigmoid(s_y - s_i) for each dislike i and the next like y after it, scored after
            the likes before both. With 0 there is none.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    variant: Literal["PNFRec", "PNFRec_pn", "PNFRec_pc", "SASRec_p", "SASRec", "SASRec_c"] = "PNFRec"
    max_length: int = 50
    dim: int = 64
    num_blocks: int = 2
    num_heads: int = 1
    block: Literal["sasrec", "ligr", "hstu"] = "sasrec"
    dropout: float = 0.1
    alpha: float = 0.45
    beta: float = 0.25
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 0.1
    positions: Literal["from_start", "from_end"] = "from_start"
    position_std: float = 0.02
    shared_positions: bool = True
    shared_final_norm: bool = True
    weighting: Literal["fixed", "decay", "geometric"] = "fixed"
    half_life: int = 200
    loss: Literal["softmax", "sampled_softmax", "gbce"] = "softmax"
    sampled_items: int = 1024
    calibration: float = 0.75
    soft_boundary: float = 0.0
    trend_days: float = 0.0
    eta: float = 0.0
    eta_share: Literal["like", "user"] = "like"
    eta_top: int = 0
    preference: float = 0.0

    @property
    def places_dislikes(self) -> bool:
        """Whether a term of the loss reads where dislikes stand among the likes."""
        return self.eta > 0 or self.preference > 0

    def effective(self) -> "ModelConfig":
        """The same network by one name: settings that do nothing have their default, the variant follows the weights.

        Two configurations train the same model if these are equal: PNFRec with alpha = beta = 0 is SASRec_p.
        """
        parts = variant_of(self.variant)
        alpha = self.alpha if parts.negative_loss else 0.0
        beta = self.beta if parts.contrastive else 0.0
        ours = {(True, True): "PNFRec", (True, False): "PNFRec_pn", (False, True): "PNFRec_pc"}
        mixed = {True: "SASRec_c", False: "SASRec"}
        idle = set() if alpha else {"shared_positions", "shared_final_norm"}
        idle |= set() if beta else {"similarity", "temperature"}
        idle |= {"sampled_items", "calibration"} if self.loss == "softmax" else set()
        idle |= {"similarity"} if parts.mixed else set()
        idle |= set() if self.loss == "gbce" else {"calibration"}
        terms = bool(alpha or beta or self.places_dislikes)
        idle |= set() if self.places_dislikes else {"eta_share"}
        idle |= set() if self.eta else {"eta_top"}
        # The logarithm of one term alone is another loss than the term, too.
        idle |= set() if terms or self.weighting == "geometric" else {"weighting"}
        idle |= set() if self.weighting == "decay" and terms else {"half_life"}
        fields = {field.name: field.default for field in dataclasses.fields(self) if field.name in idle}
        variant = mixed[beta > 0] if parts.mixed else ours.get((alpha > 0, beta > 0), "SASRec_p")
        changes: dict[str, Any] = {**fields, "variant": variant, "alpha": alpha, "beta": beta}
        return dataclasses.replace(self, **changes)

    def __post_init__(self) -> None:
        _check_types(self, "model")
        for name in ("max_length", "dim", "num_blocks", "num_heads", "half_life", "sampled_items"):
            _check(getattr(self, name) >= 1, f"model.{name}", "at least 1", getattr(self, name))
        _check(self.dim % self.num_heads == 0, "model.dim", f"a multiple of num_heads ({self.num_heads})", self.dim)
        _check(0.0 <= self.dropout < 1.0, "model.dropout", "in [0, 1)", self.dropout)
        _check(0.0 <= self.alpha < math.inf, "model.alpha", "0 or more and finite", self.alpha)
        _check(0.0 <= self.beta < math.inf, "model.beta", "0 or more and finite", self.beta)
        _check(0.0 < self.position_std < math.inf, "model.position_std", "above 0 and finite", self.position_std)
        _check(0.0 < self.temperature < math.inf, "model.temperature", "above 0 and finite", self.temperature)
        _check(0.0 <= self.calibration <= 1.0, "model.calibration", "in [0, 1]", self.calibration)
        _check(0.0 <= self.soft_boundary < math.inf, "model.soft_boundary", "0 or more and finite", self.soft_boundary)
        _check(0.0 <= self.trend_days < math.inf, "model.trend_days", "0 or more and finite", self.trend_days)
        _check(self.eta_top >= 0, "model.eta_top", "0 or more", self.eta_top)
        for name in ("eta", "preference"):
            value = getattr(self, name)
            _check(0.0 <= value < math.inf, f"model.{name}", "0 or more and finite", value)
            alone = not value or not variant_of(self.variant).mixed
            _check(
                alone, f"model.{name}", f"0 with `model.variant: {self.variant}`, which has no encoder of likes", value
            )
        alone = not (self.eta and self.eta_top) or self.loss == "softmax"
        _check(alone, "model.eta_top", f"0 with `model.loss: {self.loss}`: it ranks all items", self.eta_top)
        alone = not self.trend_days or self.loss == "softmax"
        _check(alone, "model.trend_days", f"0 with `model.loss: {self.loss}`: it scores all items", self.trend_days)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the network is fitted (spec, section 5).

    Attributes:
        epochs: The number of epochs, at most.
        patience: The number of epochs without a better validation NDCG@k after which training stops; the best weights
            are kept.
        min_epochs: The number of epochs before which patience does not stop training. For some epochs at the start a
            network may rank as the list of popular items does, before it learns to tell users apart; a short patience
            takes that for its end. With `epochs` or more, patience never stops it.
        batch_size: The number of users of a step, over all replicas.
        learning_rate: The learning rate of Adam.
        average_epochs: Validation and export take a moving average of the weights, in which a step counts 1/e after so
            many epochs, and which is about as many behind. With 0 they take the weights themselves.
        seed: The seed of the weights, of shuffling and of dropout.
        deterministic: Whether every operation is deterministic, which is slower.
        strategy: "none"; or "mirrored", which is data parallel over the local GPUs; or "multi_worker", over the
            machines that TF_CONFIG names, in scripts alone (docs/guides/workers.md): the pipeline has one process.
        precision: The dtype policy of Keras.
        jit_compile: Whether XLA compiles the step.
        evaluation_batch_size: The number of users that are ranked at once.
        k: The length of the list that the validation measures look at.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    epochs: int = 100
    patience: int = 10
    min_epochs: int = 0
    batch_size: int = 500
    learning_rate: float = 1e-3
    average_epochs: float = 0.0
    seed: int = 42
    deterministic: bool = False
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    jit_compile: bool = False
    evaluation_batch_size: int = 512
    k: int = 10

    def __post_init__(self) -> None:
        _check_types(self, "training")
        for name in ("epochs", "patience", "batch_size", "evaluation_batch_size", "k"):
            _check(getattr(self, name) >= 1, f"training.{name}", "at least 1", getattr(self, name))
        _check(self.min_epochs >= 0, "training.min_epochs", "0 or more", self.min_epochs)
        _check(0.0 < self.learning_rate < math.inf, "training.learning_rate", "above 0 and finite", self.learning_rate)
        averaged = 0.0 <= self.average_epochs < math.inf
        _check(averaged, "training.average_epochs", "0 or more and finite", self.average_epochs)
        _check(0 <= self.seed < 2**32, "training.seed", "in [0, 2**32)", self.seed)
        alone = self.strategy == "none" or not self.jit_compile
        _check(
            alone, "training.jit_compile", f"false with `training.strategy: {self.strategy}`, which XLA fails in", True
        )


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """The SavedModel.

    Attributes:
        index: "plain" (one matmul and top_k) or "tfrs" (BruteForce of tensorflow-recommenders); their answers are
            equal.
        rule: How items are lowered where gamma is not 0, by dislikes or by popularity: the name of a rule
            (`pnfrec_keras.ranking.rules`).
        gamma: Weight of the rule in the gate and in serving; 0 is the paper's ranking.
        recency: Weight of what is liked now, by the likes of the last `feedback.recent_days`; 0 is the paper's ranking.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    index: Literal["plain", "tfrs"] = "plain"
    rule: str = dataclasses.field(default=rules.DEFAULT, metadata={CHOICES: rules.describe})
    gamma: float = 0.0
    recency: float = 0.0

    def __post_init__(self) -> None:
        _check_types(self, "export")
        rules.find_rule(self.rule)
        for name in ("gamma", "recency"):
            value = getattr(self, name)
            _check(0.0 <= value < math.inf, f"export.{name}", "0 or more and finite", value)
            alone = self.index == "plain" or not value
            _check(alone, f"export.{name}", "0 with `export.index: tfrs`, which ranks by the positive encoder", value)


def check_rule(rule: str, variant: str, alpha: float) -> None:
    """Raises a ValueError for a rule of inference that a model cannot follow.

    Args:
        rule: `ExportConfig.rule`.
        variant: Of the model.
        alpha: Of the model.
    """
    rules.find_rule(rule).check(variant, alpha)


def check_recency(recency: float, trend_days: float) -> None:
    """Raises a ValueError where `export.recency` and `model.trend_days` would both count what is chosen now."""
    if recency and trend_days:
        msg = (
            f"`export.recency` ({recency:g}) and `model.trend_days` ({trend_days:g}) both weigh what is liked now: set "
            "one to 0."
        )
        raise ValueError(msg)
