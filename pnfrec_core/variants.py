"""The models that the paper compares, as settings of one network (spec, section 4). No dependency."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Variant:
    """What a variant reads and learns from.

    Attributes:
        mixed: Reads the whole history, both polarities in order, at twice the length; else the positive items alone.
        negative_loss: Has a second encoder, over the negative items, and its loss alpha * CE_n.
        contrastive: Has the term beta * L_c.
    """

    mixed: bool
    negative_loss: bool
    contrastive: bool


VARIANTS = {
    "PNFRec": Variant(mixed=False, negative_loss=True, contrastive=True),
    "PNFRec_pn": Variant(mixed=False, negative_loss=True, contrastive=False),
    "PNFRec_pc": Variant(mixed=False, negative_loss=False, contrastive=True),
    "SASRec_p": Variant(mixed=False, negative_loss=False, contrastive=False),
    "SASRec": Variant(mixed=True, negative_loss=False, contrastive=False),
    "SASRec_c": Variant(mixed=True, negative_loss=False, contrastive=True),
}


def variant_of(name: str) -> Variant:
    """Looks a variant up.

    Raises:
        ValueError: There is none of that name.

    >>> variant_of("SASRec_p")
    Variant(mixed=False, negative_loss=False, contrastive=False)
    """
    if name not in VARIANTS:
        msg = f"`variant` must be one of {', '.join(VARIANTS)}. Received: {name!r}."
        raise ValueError(msg)
    return VARIANTS[name]
