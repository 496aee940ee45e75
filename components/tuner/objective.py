"""What the Tuner calls better."""

from collections.abc import Mapping


def objective(measures: Mapping[str, float], delta_weight: float) -> float:
    """NDCG_p + w * (NDCG_p - NDCG_n) of one epoch: liked targets high, and far above disliked ones.

    Args:
        measures: With `val_ndcg_p` and, where w is above 0, `val_ndcg_n`, both in [0, 1].
        delta_weight: w, 0 or more. With 0 it is NDCG_p, whether validation has disliked targets or not.
    """
    ndcg_p = measures["val_ndcg_p"]
    if not delta_weight:
        return ndcg_p
    return ndcg_p + delta_weight * (ndcg_p - measures["val_ndcg_n"])
