"""What is chosen at a time by everyone: a prior over the catalogue that moves with the days (docs/trend.md).

A network that knows no dates takes what was popular at any time for popular. Here the logit of item i at a time t is

    h . e_i + b_t(i),    b_t(i) = log((c_t(i) + k q(i)) / (C_t + k)),    k = PRIOR + SHARE * C_t

where c_t(i) counts the choices of i, by all users, in the last `days` before t, C_t all choices of those days, and q(i)
is the item's share over all of training. In training t is the time of the label, so that the network learns who chooses
what beyond that; to rank, t is the end of training. The prior has no weight to learn: a shift of the logits by the
logarithm of the prior is what Bayes' rule asks for when a prior changes (Menon et al. 2021, arXiv 2007.07314, use
one for the frequencies of classes).
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Choices, spread as those of all training, that a window counts beside its own: so many, and this share of its own.
PRIOR, SHARE = 100.0, 0.25
# A window moves on by this part of its length, or by more where the table would have more elements than fit 256 MiB.
_STEPS = 14
_MOST = 1 << 26


@dataclasses.dataclass(frozen=True)
class Trend:
    """The prior of each period of training, and that of its end.

    Attributes:
        start: Where the first period begins, in days since 1970-01-01.
        step: Length of a period in days.
        table: float32 (periods, N + 1), b at the beginning of each period: of what was chosen before it; column 0, the
            padding, is 0.
        latest: float32 (N + 1,), b right after the last choice.
    """

    start: float
    step: float
    table: Floats
    latest: Floats


def trend_of(items: npt.NDArray[np.int32], when: Floats, num_items: int, days: float) -> Trend:
    """The trend of some sequences; all 0 if they hold nothing.

    Args:
        items: Item indices from 1 of any shape; 0 is padding.
        when: Their times in days since 1970-01-01, of the same shape.
        num_items: N.
        days: Length of the window, above 0.

    Raises:
        ValueError: A time is not finite.
    """
    real = items > 0
    item, time = items[real].astype(np.int64), when[real].astype(np.float64)
    if not np.isfinite(time).all():
        msg = "A trend needs times that are finite numbers."
        raise ValueError(msg)
    if not len(item):
        return Trend(0.0, days, np.zeros((1, num_items + 1), np.float32), np.zeros(num_items + 1, np.float32))
    order = np.argsort(time, kind="stable")
    item, time = item[order], time[order]
    start, end = float(time[0]), float(time[-1])
    step = max(days / _STEPS, (end - start) * (num_items + 1) / _MOST)
    begins = start + step * np.arange(1 + math.floor((end - start) / step))
    overall = np.bincount(item, minlength=num_items + 1).astype(np.float64)
    table = np.zeros((len(begins), num_items + 1), np.float32)
    window = np.zeros(num_items + 1, np.int64)
    left = right = 0
    for period, begin in enumerate(begins):
        # Choices in [begin - days, begin): those that come in, less those that drop out.
        first, last = np.searchsorted(time, [begin - days, begin])
        window += np.bincount(item[right:last], minlength=num_items + 1)
        window -= np.bincount(item[left:first], minlength=num_items + 1)
        left, right = int(first), int(last)
        table[period] = _log_prior(window, overall)
    latest = np.bincount(item[np.searchsorted(time, end - days, side="right") :], minlength=num_items + 1)
    return Trend(start, step, table, _log_prior(latest, overall))


def _log_prior(counts: npt.NDArray[np.int64], overall: npt.NDArray[np.float64]) -> Floats:
    # An item without a choice still has a share, so that every logarithm is finite.
    share = (overall[1:] + 0.5) / (overall[1:] + 0.5).sum()
    total = counts.sum()
    more = PRIOR + SHARE * total
    prior = np.log((counts[1:] + more * share) / (total + more))
    padded: Floats = np.concatenate([[0.0], prior]).astype(np.float32)
    return padded
