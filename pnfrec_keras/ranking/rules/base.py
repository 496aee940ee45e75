"""What a rule is: how dislikes, or popularity, lower the scores that lists are ranked by."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pnfrec_core.variants import variant_of

if TYPE_CHECKING:
    from pnfrec_keras.examples.vocabulary import Vocabulary

Tensor = Any

# The rule of a configuration that names none. It asks for nothing that a model or a query may lack.
DEFAULT = "like_rate"


class Dislikes(NamedTuple):
    """What the users of a query dislike, a row each.

    Attributes:
        liked: (batch,), how many liked items the model reads of each user.
        disliked: (batch,), how many disliked ones.
        negative: float32 (batch, items + 1), the scores of the negative encoder; None unless the rule needs them.
    """

    liked: Tensor
    disliked: Tensor
    negative: Tensor | None


class Rule(abc.ABC):
    """One way in which items are lowered, for one catalogue.

    A subclass in a module of its own in `pnfrec_keras.ranking.rules` is a rule: nothing else needs to name it. Its
    class attributes are read where there is no TensorFlow, so that its module imports none, and its methods do.

    Attributes:
        name: As `export.rule` calls it.
        summary: What it does, in one sentence.
        without_dislikes: What it does where a query sends no dislikes, in one sentence.
        needs_dislikes: Whether it asks what the user dislikes, if only how much.
        needs_negative_encoder: Whether it reads the disliked items by the negative encoder. It asks for dislikes then.

    Args:
        vocabulary: The catalogue.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    without_dislikes: ClassVar[str]
    needs_dislikes: ClassVar[bool] = False
    needs_negative_encoder: ClassVar[bool] = False

    def __init__(self, vocabulary: "Vocabulary") -> None:
        self.vocabulary = vocabulary

    @abc.abstractmethod
    def lower(self, scores: Tensor, gamma: Any, dislikes: Dislikes | None) -> Tensor:
        """The scores after the rule.

        Args:
            scores: float32 (batch, items + 1), of the positive encoder, or the logarithm of popularity where it has
                nothing to read; column 0 is padding and takes no part.
            gamma: Weight of the rule: a float, or a tensor (batch,).
            dislikes: What the users of the query dislike; None where it sends none, or the rule does not ask.

        Returns:
            float32 (batch, items + 1).
        """

    @classmethod
    def check(cls, variant: str, alpha: float) -> None:
        """Raises a ValueError where a model of this variant and this weight of CE_neg cannot follow the rule."""
        parts = variant_of(variant)
        if cls.needs_negative_encoder and not (parts.negative_loss and alpha):
            cause = "`model.alpha: 0`" if parts.negative_loss else f"`model.variant: {variant}`"
            remedy = "`model.alpha` above 0" if parts.negative_loss else "`model.variant: PNFRec` or `PNFRec_pn`"
            msg = (
                f"`export.rule: {cls.name}` reads the negative encoder, which a model with {cause} does not have. Take "
                f"`{DEFAULT}`, or {remedy}."
            )
            raise ValueError(msg)
        if cls.needs_dislikes and parts.mixed:
            msg = (
                f"`export.rule: {cls.name}` counts the likes and the dislikes of a user apart, and "
                f"{variant} reads one history of both. Take `{DEFAULT}`."
            )
            raise ValueError(msg)


def by_row(gamma: Any) -> Any:
    """A weight that multiplies scores (batch, items + 1): a float as it is, a tensor (batch,) as a column."""
    return gamma if isinstance(gamma, float) else gamma[:, None]
