"""What the trainings alone could make of a difference: other seeds, the same users.

The intervals of `studies.results.bootstrap` draw users and keep the trainings; these draw on the seeds and keep the
users. A difference between two trained arms is safe where neither holds zero.
"""

from collections.abc import Sequence

from studies.results.bootstrap import Interval
from studies.results.summary import ArmSummary, Summary
from studies.results.tables import differences_table

# Student's t, the 97.5 % quantile for 1, 2, ... degrees of freedom.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
_NORMAL = 1.959964


def over_seeds(arm: ArmSummary, reference: ArmSummary, measure: str) -> Interval | None:
    """The 95 % interval of the mean difference over seeds, paired by seed (Student's t).

    Where both arms rank with the same trainings, what these have in common cancels. A baseline, which has no seed, is
    the same for every seed of the other arm. Arms of two studies may have fewer than two seeds in common: their means
    are compared then (Welch). None where one of the two has a single seed.
    """
    own, other = _by_seed(arm, measure), _by_seed(reference, measure)
    if None in own or None in other:
        seeds = [seed for seed in {**own, **other} if seed is not None]
        differences = [_of(own, seed) - _of(other, seed) for seed in seeds]
    else:
        differences = [own[seed] - other[seed] for seed in own if seed in other]
        if len(differences) < 2 and min(len(own), len(other)) > 1:
            return _welch(list(own.values()), list(other.values()))
    return _student(differences) if len(differences) > 1 else None


def may_be_chance(summary: Summary, arm: ArmSummary, measure: str) -> bool:
    """Whether an interval over users leaves zero out, but that over seeds does not, or there is none.

    One training says nothing of what another would bring: of a single seed everything may be chance. Two baselines have
    no training.
    """
    found, reference = arm.against.get(measure), summary.arm(summary.reference)
    if found is None or not found.excludes_zero or reference is None:
        return False
    seeds = over_seeds(arm, reference, measure)
    if seeds is None:
        return not (arm.is_baseline and reference.is_baseline)
    return not seeds.excludes_zero


def differences_of(view: Summary) -> str:
    """The table of the differences of all arms from the reference, as text, with what chance may have made marked."""
    arms = {arm.name: arm for arm in view.others}
    intervals = {name: arm.against for name, arm in arms.items()}
    return differences_table(intervals, view.reference, lambda name, measure: may_be_chance(view, arms[name], measure))


def _by_seed(arm: ArmSummary, measure: str) -> dict[int | None, float]:
    pairs = zip(arm.seeds, arm.trials, strict=True)
    return {seed: trial[measure] for seed, trial in pairs if measure in trial}


def _of(values: dict[int | None, float], seed: int | None) -> float:
    return values[seed] if seed in values else values[None]


def _student(values: Sequence[float]) -> Interval:
    mean, error = _mean(values)
    half = _quantile(len(values) - 1) * error**0.5
    return Interval(mean, mean - half, mean + half)


def _welch(values: Sequence[float], others: Sequence[float]) -> Interval:
    (mean, error), (other_mean, other_error) = _mean(values), _mean(others)
    parts = ((error, len(values) - 1), (other_error, len(others) - 1))
    spread = sum(part**2 / freedom for part, freedom in parts)
    freedom = len(values) + len(others) - 2
    if spread:
        # At least that of the shorter list, which rounding must not take from it.
        freedom = max(int((error + other_error) ** 2 / spread), min(len(values), len(others)) - 1)
    half = _quantile(freedom) * (error + other_error) ** 0.5
    return Interval(mean - other_mean, mean - other_mean - half, mean - other_mean + half)


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean of values, and its squared standard error."""
    count = len(values)
    mean = sum(values) / count
    return mean, sum((value - mean) ** 2 for value in values) / (count - 1) / count


def _quantile(freedom: int) -> float:
    """Of Student's t; beyond the table by the expansion about the normal quantile, which is off by less than 0.0003."""
    if freedom <= len(_T):
        return _T[freedom - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
