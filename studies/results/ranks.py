"""What the arms of a study did with each target: read from trials, brought on common terms, and compared.

`studies.results.stored` keeps them with a study, so that any two arms can be compared long after the trials are gone.
"""

import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pnfrec_core import measures, popularity
from pnfrec_core.later import Parts
from studies.kept import read_ranks, read_result
from studies.results import further
from studies.results.bootstrap import Interval, paired_difference
from studies.results.further import KEPT

COMPARED = ("ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta")
# Of the liked targets of each popularity bucket, where a study knows it.
BUCKETED = tuple(f"{measure}_{bucket}" for measure in ("ndcg", "hr") for bucket in popularity.BUCKETS)
# Whoever is drawn from a single user, the difference is the same: an interval of no width would look sure.
_FEWEST_USERS = 2


class ResultError(ValueError):
    """Trials that cannot be judged together; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Ranks:
    """What an arm did with T targets.

    Attributes:
        rank: (seeds, T).
        is_positive: (T,), by the arm's own rule of polarity, until `common_targets` gives all arms one rule.
        user, place: (T,), which name a target (`studies.run.targets.TargetKeys`). Of stored ranks, users are numbers,
            which mean something within their file only (`studies.results.stored`).
        bucket: (T,), the popularity bucket of each target (`popularity.bucket_of`); None of studies that were run
            before this was kept.
        kept: What each target brings into the measures of `studies.results.further`, (seeds, T) each; none where the
            study does not ask for them.
    """

    rank: npt.NDArray[np.int64]
    is_positive: npt.NDArray[np.int64]
    user: npt.NDArray[np.str_] | npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    bucket: npt.NDArray[np.int64] | None = None
    kept: Mapping[str, npt.NDArray[np.float32]] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, folders: Sequence[Path], split: str) -> "Ranks":
        """Of the trials of one arm.

        Raises:
            ResultError: They were judged on different targets.
            DamagedTrialError: A file of theirs cannot be read.
        """
        rows = [read_ranks(folder) for folder in folders]
        names = ("is_positive", "user", "place")
        for folder, row in zip(folders, rows, strict=True):
            if not all(np.array_equal(row[f"{split}_{name}"], rows[0][f"{split}_{name}"]) for name in names):
                msg = f"{folder} was judged on other targets than {folders[0]}. Remove both and run the study again."
                raise ResultError(msg)
        rank = np.stack([row[f"{split}_rank"] for row in rows])
        is_positive, user, place = (rows[0][f"{split}_{name}"] for name in names)
        told = [name for name in KEPT if f"{split}_{name}" in rows[0]]
        kept = {name: np.stack([row[f"{split}_{name}"] for row in rows]) for name in told}
        return cls(rank, is_positive, user, place, rows[0].get(f"{split}_bucket"), kept)

    def keys(self) -> list[tuple[str | int, int]]:
        """Names of the targets."""
        return list(zip(self.user.tolist(), self.place.tolist(), strict=True))

    def measures(self, seed: int, k: int) -> dict[str, float]:
        """HR, NDCG and MRR of the groups, and their differences, of the trial at place `seed`.

        Where buckets are known, also each of `BUCKETED`; NaN for a bucket without a liked target. And what
        `further.known` tells of.
        """
        found = measures.group_means(self.rank[seed], self.is_positive, k)
        if self.bucket is not None:
            for name in BUCKETED:
                measure, _, _ = name.partition("_")
                gain = measures.gains(self.rank[seed], measure, k)[self.signs(name) > 0]
                found[name] = float(gain.mean()) if len(gain) else math.nan
        more = further.known(self.kept)
        return found | {name: further.value(name, self._further(name)[seed]) for name in more}

    def gains(self, name: str, k: int) -> npt.NDArray[np.float64]:
        """The gain of each target in a measure, (seeds, T)."""
        if name in further.FURTHER:
            return np.stack([each.gain for each in self._further(name)])
        return measures.gains(self.rank, name.partition("_")[0], k)

    def signs(self, name: str) -> npt.NDArray[np.float64]:
        """How each target counts in a measure: 1, -1 where it is taken off, 0 where it has no part in it, (T,).

        Of a further measure it has one where it has one by every training.
        """
        if name in further.FURTHER:
            signs = np.stack([each.sign for each in self._further(name)])
            return np.where((signs == signs[0]).all(axis=0), signs[0], 0.0)
        group = name.partition("_")[2]
        if group in popularity.BUCKETS:
            place = popularity.BUCKETS.index(group)
            return np.where((self.is_positive == 1) & (self.bucket == place), 1.0, 0.0)
        sign = {"p": [0.0, 1.0], "n": [1.0, 0.0], "delta": [-1.0, 1.0]}[group]
        return np.array(sign)[self.is_positive]

    def _further(self, name: str) -> list[Parts]:
        return further.parts(name, self.kept, self.user, self.is_positive)


def difference(pairs: Sequence[tuple[Ranks, Ranks]], name: str, k: int) -> Interval | None:
    """The difference of a measure such as "ndcg_p" of one arm from another's; None for a group of fewer than 2 users.

    Args:
        pairs: What the two did with the targets that they have in common, of each draw of test users. One without
            targets of a group that the measure needs does not count, as it does not in a mean over draws.
        name: Of the measure.
        k: Length of the list.
    """
    group = name.rpartition("_")[2]
    signs = [own.signs(name) for own, _ in pairs]
    if name in further.FURTHER:
        # An item may have relatives by one model and none by the other.
        signs = [np.where(other.signs(name) == own, own, 0.0) for own, (_, other) in zip(signs, pairs, strict=True)]
    needed = (-1.0, 1.0) if group == measures.DELTA else (1.0,)
    known = [all((each == value).any() for value in needed) for each in signs]
    pairs, signs = list(itertools.compress(pairs, known)), list(itertools.compress(signs, known))
    if not pairs:
        return None
    user = np.unique(np.concatenate([own.user for own, _ in pairs]), return_inverse=True)[1]
    # The mean over seeds first: what is compared are arms, not single trainings.
    gains, others = (np.concatenate([pair[side].gains(name, k).mean(axis=0) for pair in pairs]) for side in (0, 1))
    half = np.repeat(np.arange(len(pairs)), [len(own.user) for own, _ in pairs])
    sign = np.concatenate(signs)
    if any(len(np.unique(user[sign == value])) < _FEWEST_USERS for value in needed):
        return None
    return paired_difference(gains, others, user, sign, half=half)


def common_targets(arms: Mapping[str, Ranks], labels: str) -> dict[str, Ranks]:
    """The targets that all arms have, in one order, with the polarity that the arm `labels` gives them.

    Raises:
        ResultError: There is none.
    """
    keys = {arm: {key: place for place, key in enumerate(ranks.keys())} for arm, ranks in arms.items()}
    common = sorted(set.intersection(*(set(places) for places in keys.values())))
    if not common:
        msg = f"The arms {', '.join(arms)} have no target in common, so that they cannot be compared."
        raise ResultError(msg)
    places = {arm: np.array([own[key] for key in common]) for arm, own in keys.items()}
    is_positive = arms[labels].is_positive[places[labels]]
    # One catalogue, that of the same arm, says how popular a target is.
    known = arms[labels].bucket
    bucket = None if known is None else known[places[labels]]
    return {
        arm: Ranks(
            ranks.rank[:, places[arm]],
            is_positive,
            ranks.user[places[arm]],
            ranks.place[places[arm]],
            bucket,
            {name: values[:, places[arm]] for name, values in ranks.kept.items()},
        )
        for arm, ranks in arms.items()
    }


@dataclasses.dataclass(frozen=True)
class Judged:
    """The arms of a study on the test targets that they have in common, grouped by one rule of polarity.

    Attributes:
        draws: Of each draw of test users, by its seed, the arms by their names, all in one order; one entry where all
            trials were judged on the same users.
        targets: Of each draw, a digest of its targets and of their polarity: equal where these are.
    """

    draws: dict[int, dict[str, Ranks]]
    targets: dict[int, str]

    def arms(self) -> list[str]:
        """Names of those that every draw has, in their order."""
        return [arm for arm in next(iter(self.draws.values())) if all(arm in arms for arms in self.draws.values())]

    def of(self, arm: str) -> list[Ranks]:
        """What an arm did with each draw of test users."""
        return [arms[arm] for arms in self.draws.values()]

    def measures(self, arm: str, k: int) -> list[dict[str, float]]:
        """`Ranks.measures` of each trial of an arm: draw by draw, and of a draw seed by seed."""
        return [own.measures(seed, k) for own in self.of(arm) for seed in range(len(own.rank))]


def judged(folders: Sequence[Path], split: str, labels: str, draws: Sequence[int] = ()) -> Judged:
    """Reads what trials did, and brings it on common terms.

    Args:
        folders: Of all trials; arms in the order of their first.
        split: "validation" or "test".
        labels: Name of the arm whose rule says which targets are positive.
        draws: Of each folder, the seed of the draw of test users that it was judged on, each of which has all arms; by
            default all were on one.

    Raises:
        ResultError: The arms have no target in common, or trials of one arm were judged on different targets.
    """
    by_draw: dict[int, dict[str, list[Path]]] = {}
    for folder, draw in zip(folders, draws or [0] * len(folders), strict=True):
        by_draw.setdefault(draw, {}).setdefault(_arm_of(folder), []).append(folder)
    common = {
        draw: common_targets({arm: Ranks.read(own, split) for arm, own in by_arm.items()}, labels)
        for draw, by_arm in by_draw.items()
    }
    return Judged(common, {draw: _digest(next(iter(arms.values()))) for draw, arms in common.items()})


def _arm_of(folder: Path) -> str:
    """Name of the arm that a trial is of."""
    return str(read_result(folder)["arm"])


def _digest(targets: Ranks) -> str:
    rows = [[*key, int(liked)] for key, liked in zip(targets.keys(), targets.is_positive, strict=True)]
    return hashlib.sha256(json.dumps(rows).encode("utf-8")).hexdigest()


def differences(own: Judged, arm: str, other: Judged, reference: str, k: int) -> dict[str, Interval]:
    """The difference of each measure of `COMPARED` and, where known, of `BUCKETED` and others, with its interval.

    Those of which a group has no target, or those of one user alone, are left out.

    Args:
        own: What has the arm.
        arm: Its name.
        other: What has the arm that it is compared with: the same, or of another study on the same targets.
        reference: That arm's name. A draw of test users that lacks it, or that only one of the two has, does not count.
        k: Length of the list.

    Raises:
        ResultError: The two have no draw of test users in common, or one with different targets in them.
    """
    shared = [draw for draw in own.draws if draw in other.draws]
    if not shared:
        msg = (
            f"{arm} and {reference} were judged on other draws of test users: {sorted(own.draws)} and "
            f"{sorted(other.draws)}. Compare studies with a seed in common."
        )
        raise ResultError(msg)
    if any(own.targets[draw] != other.targets[draw] for draw in shared):
        msg = (
            f"{arm} and {reference} were judged on other test targets. Compare studies of the same data, rules of "
            "targets and of polarity; and where arms differ in these, of the same arms: targets are those that all "
            "arms of a study have."
        )
        raise ResultError(msg)
    pairs = [(own.draws[draw][arm], other.draws[draw][reference]) for draw in shared if reference in other.draws[draw]]
    names = (*COMPARED, *(BUCKETED if all(mine.bucket is not None for mine, _ in pairs) else ()))
    # Those of `further.FURTHER` that all sides of all pairs have.
    more = [name for name in further.FURTHER if all(name in further.known(own.kept) for pair in pairs for own in pair)]
    found = {name: difference(pairs, name, k) for name in (*names, *(more if pairs else ()))}
    return {name: interval for name, interval in found.items() if interval is not None}
