"""What is chosen at a time by everyone: a prior over the catalogue that moves with the days (docs/guides/trend.md).

A network that knows no dates takes what was popular at any time for popular. Here the logit of item i at a time t is

    h . e_i + b_t(i),    b_t(i) = log((c_t(i) + k q_t(i)) / (C_t + k)),    k = PRIOR + SHARE * C_t

where c_t(i) counts the choices of i, by all users, in the last `days` before t, C_t all choices of those days, and
q_t(i) is the item's share of everything before t, of which each item has `UNSEEN` choices more. In training t is the
time of the label, so that the network learns who chooses what beyond that; to rank, t is the end of training. The prior
has no weight to learn: a shift of the logits by the logarithm of the prior is what Bayes' rule asks for when a prior
changes (Menon et al. 2021, arXiv 2007.07314, use one for the frequencies of classes).
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Choices, spread as those of all training, that a window counts beside its own: so many, and this share of its own.
PRIOR, SHARE = 100.0, 0.25
# So that an item that nobody has chosen yet has a logarithm.
UNSEEN = 0.5
# A window moves on by this part of its length, or by more where the table would have more elements than fit 256 MiB.
_STEPS = 14
_MOST = 1 << 26


@dataclasses.dataclass(frozen=True)
class Trend:
    """The prior of each period of training, and that of its end.

    Attributes:
        begins: (periods,), where each period begins, in days since 1970-01-01; rises.
        table: float32 (periods, N + 1), b at the beginning of each period: of what was chosen before it; column 0, the
            padding, is 0.
        latest: float32 (N + 1,), b right after the end of training.
    """

    begins: npt.NDArray[np.float64]
    table: Floats
    latest: Floats

    def periods(self, when: Floats) -> npt.NDArray[np.int32]:
        """The period of each time, of the same shape: the last that has begun; the first for what lies before it."""
        found = np.searchsorted(self.begins, when.astype(np.float64), side="right") - 1
        return np.maximum(found, 0).astype(np.int32)


def trend_of(
    items: npt.NDArray[np.int32], when: Floats, num_items: int, days: float, end: float | None = None
) -> Trend:
    """The trend of some sequences; one without any choice if they hold nothing.

    Args:
        items: Item indices from 1 of any shape; 0 is padding.
        when: Their times in days since 1970-01-01, of the same shape.
        num_items: N.
        days: Length of the window, above 0.
        end: The end of training, in days since 1970-01-01; None: the last of these times.

    Raises:
        ValueError: A time is not finite, or the table would be so large that steps leave half a window out.
    """
    real = items > 0
    item, time = items[real].astype(np.int64), when[real].astype(np.float64)
    if not np.isfinite(time).all():
        msg = "A trend needs times that are finite numbers."
        raise ValueError(msg)
    order = np.argsort(time, kind="stable")
    item, time = item[order], time[order]
    begins = _begins(time, num_items, days)
    seen, window = np.zeros((2, num_items + 1), np.int64)
    table = np.zeros((len(begins), num_items + 1), np.float32)
    left = right = 0
    for period, begin in enumerate(begins):
        # Choices in [begin - days, begin): those that come in, less those that drop out.
        first, last = (int(place) for place in np.searchsorted(time, [begin - days, begin]))
        np.add.at(seen, item[right:last], 1)
        np.add.at(window, item[right:last], 1)
        np.subtract.at(window, item[left:first], 1)
        left, right = first, last
        table[period] = _log_prior(window, seen)
    np.add.at(seen, item[right:], 1)
    end = time.max(initial=0.0) if end is None else end
    latest = np.bincount(item[np.searchsorted(time, end - days, side="right") :], minlength=num_items + 1)
    return Trend(begins, table, _log_prior(latest, seen))


def _begins(time: npt.NDArray[np.float64], num_items: int, days: float) -> npt.NDArray[np.float64]:
    if not len(time):
        return np.zeros(1)
    span = float(time[-1] - time[0])
    step = max(days / _STEPS, span * (num_items + 1) / _MOST)
    if step > days / 2:
        msg = (
            f"`model.trend_days` ({days:g}) is too short for {num_items:,} items over {span:,.0f} days: a table of "
            f"what was chosen when would have to go in steps of {step:.1f} days to fit into memory. Set it to "
            f"{math.ceil(2 * step)} or more, or to 0, or train on fewer days."
        )
        raise ValueError(msg)
    return np.asarray(time[0] + step * np.arange(1 + math.floor(span / step)))


def _log_prior(window: npt.NDArray[np.int64], seen: npt.NDArray[np.int64]) -> Floats:
    """B of each item by its choices in the window and in all before, (N + 1,) each."""
    counts, before = window[1:], seen[1:] + UNSEEN
    more = PRIOR + SHARE * counts.sum()
    prior = np.log((counts + more * before / before.sum()) / (counts.sum() + more))
    padded: Floats = np.concatenate([[0.0], prior]).astype(np.float32)
    return padded
