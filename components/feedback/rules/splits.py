"""How rows are held out for validation and test: one class for each rule that `feedback.split` may name (rule 4).

A new rule is one more class in this file. The configuration then accepts its name; the steps, the account, the summary
and the messages of errors ask the rule itself, and no other file compares names of rules.

This module imports neither pandas nor Arrow nor Beam, because the configuration reads the names of the rules from it.
"""

import abc
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from components.feedback.rules.gap import ticks_of_gap
from components.feedback.rules.places import rows_after, rows_kept
from components.feedback.rules.ranks import RankRule, half_rank, last_rank, nearest_rank
from pnfrec_columns.units import in_ticks, moment_of
from pnfrec_core import schema

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig
    from components.feedback.rules.table import UserTable
    from pnfrec_columns.arrays import Mask

Splits = npt.NDArray[np.int8]

TRAIN, VALIDATION, TEST = (schema.SPLITS.index(name) for name in schema.SPLITS)
# What a rule may ask of all shards together: ranks among the timestamps of the rows after the filters, and ranks among
# the keys that `user_keys` gives to users with held-out rows.
TIME, USER = "time", "user"

SPLIT_RULES: dict[str, type["SplitRule"]] = {}


class SplitRule(abc.ABC):
    """A rule that says of each row whether it is for training, validation or test.

    It sees one shard at a time: every row of some users, by user, then in the user's order. What it has to know of all
    rows it asks for by `rank_rules`; the answers come back as `times` and `keys`.

    Attributes:
        name: The value of `feedback.split`.
        summary: What the rule does, in one sentence without its full stop.
        columns: Columns that it reads beside those that every rule needs: keys of `feedback.columns`.
        settings: Keys of `feedback` that have a meaning under this rule and not under every other.
        at_any_time: Whether held-out rows of one user lie before training rows of others, so that what was popular at
            the end of training says nothing of them.
        holds_out: Whether it leaves anything to judge a model by.
        holds_out_newest: Whether that is what is newest, so that a model which has not seen it is out of date.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    at_any_time: ClassVar[bool] = False
    holds_out: ClassVar[bool] = True
    holds_out_newest: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Makes the rule known under its name, if it has one."""
        if "name" in vars(cls):
            SPLIT_RULES[cls.name] = cls

    def __init__(self, config: "FeedbackConfig") -> None:
        self._config = config

    @staticmethod
    def names_that_read(setting: str) -> str:
        """The names of the rules under which a key of `feedback` has a meaning, for messages."""
        rules = (rule for rule in SPLIT_RULES.values() if rule.holds_out)
        return " or ".join(rule.name for rule in rules if setting in rule.settings)

    def rank_rules(self) -> dict[str, RankRule]:
        """The ranks among the `TIME`s and the `USER` keys of all shards that the rule has to know."""
        return {}

    def fixed_times(self, unit: str | None) -> tuple[int, ...]:
        """The `times` of a rule that asks for no rank among them, in the unit of the timestamps."""
        del unit
        return ()

    def times_of(self, found: Sequence[int]) -> tuple[int, ...]:
        """The `times` of a rule, of the timestamps at the ranks that it asks for."""
        return tuple(found)

    @abc.abstractmethod
    def held_out(self, table: "UserTable", times: Sequence[int]) -> "Mask":
        """Which rows are not for training.

        Args:
            table: The rows of a shard, after the filters.
            times: The timestamps at the ranks of `rank_rules()[TIME]`, none where no shard has a row; those of
                `fixed_times` where no such rank is asked for. The first of them is what statistics and
                `feedback.recent_days` call the time of the split.
        """

    def left_out(self, table: "UserTable", times: Sequence[int], unit: str | None) -> "Mask":
        """Which rows are for no example at all. `unit`: of the timestamps."""
        del times, unit
        return np.zeros(len(table), bool)

    def known_until(self, times: Sequence[int], unit: str | None) -> int | None:
        """The first time that training knows nothing of; None where that is each user's first held-out row."""
        del times, unit
        return None

    def user_keys(self, table: "UserTable", held_out: "Mask") -> npt.NDArray[np.uint64]:
        """A key of each user who has rows in `held_out`, the held-out rows that training knows."""
        del table, held_out
        return np.zeros(0, np.uint64)

    @abc.abstractmethod
    def split(self, table: "UserTable", train: "Mask", keys: Sequence[int]) -> Splits:
        """The place of each row's split in `schema.SPLITS`.

        Args:
            table: The rows of a shard, after the filters.
            train: The rows that `held_out` does not hold out.
            keys: The keys at the ranks of `rank_rules()[USER]`; none where no user has a held-out row.
        """

    @abc.abstractmethod
    def remedy(self, time: str | None) -> str:
        """Why no training row is left, and what to do, as the end of a sentence. `time`: of the split, as a date."""

    @classmethod
    def describe(cls, statistics: Mapping[str, Any]) -> str:
        """How the rows of a run were split. `statistics` is the content of `statistics.json`."""
        return f"{cls.name}, {statistics['users']['heldout']:,} users with held-out rows"

    @classmethod
    def remark(cls, statistics: Mapping[str, Any]) -> str | None:
        """What a user of this rule may not expect, if it happened in a run."""
        del statistics
        return None


class GlobalTime(SplitRule):
    """The paper's rule: one time T parts training from what is held out, one half of the users tests the other.

    T is a quantile of the timestamps after the filters, or `feedback.split_time`. Rows less than `feedback.gap` before
    it are left out. Users are halved by the rank of a hash of their ids, which `feedback.split_seed` draws.
    """

    name = "global_time"
    summary = "rows from one time on are held out, of half of the users for validation, of the others for test"
    settings = ("test_quantile", "split_time", "gap", "split_seed", "recent_days", "random_files")
    holds_out_newest = True

    def rank_rules(self) -> dict[str, RankRule]:
        time: dict[str, RankRule] = {TIME: partial(nearest_rank, self._config.test_quantile)}
        return ({} if self._config.split_time is not None else time) | {USER: half_rank}

    def fixed_times(self, unit: str | None) -> tuple[int, ...]:
        moment = self._config.split_time
        if moment is None or unit is None:
            return ()
        return (moment if isinstance(moment, int) else in_ticks(moment_of(moment), unit),)

    def held_out(self, table: "UserTable", times: Sequence[int]) -> "Mask":
        return table.time >= times[0] if times else np.zeros(len(table), bool)

    def left_out(self, table: "UserTable", times: Sequence[int], unit: str | None) -> "Mask":
        end = self.known_until(times, unit)
        return np.zeros(len(table), bool) if end is None else (table.time >= end) & (table.time < times[0])

    def known_until(self, times: Sequence[int], unit: str | None) -> int | None:
        return None if not times or unit is None else times[0] - ticks_of_gap(self._config.gap, unit)

    def user_keys(self, table: "UserTable", held_out: "Mask") -> npt.NDArray[np.uint64]:
        # The users are halved here, before rule 5 drops those with too few positive rows from every set.
        keys: npt.NDArray[np.uint64] = self._hashes(table)[np.unique(table.user[held_out])]
        return keys

    def split(self, table: "UserTable", train: "Mask", keys: Sequence[int]) -> Splits:
        if not keys:
            return np.zeros(len(table), np.int8)
        half = np.where(self._hashes(table) < np.uint64(keys[0]), VALIDATION, TEST)
        return np.where(train, TRAIN, half[table.user]).astype(np.int8)

    def _hashes(self, table: "UserTable") -> npt.NDArray[np.uint64]:
        return table.hash_users(f"split{self._config.split_seed:011d}"[-16:])

    def remedy(self, time: str | None) -> str:
        remedy = (
            f"Lower `feedback.test_quantile` (now {self._config.test_quantile}), or split by {LeaveOneOut.name}"
            if self._config.split_time is None
            else f"Name a later `feedback.split_time` (now {self._config.split_time})"
        )
        gap = f", or in the gap of {self._config.gap} before it (`feedback.gap`)" if self._config.gap else ""
        return f"every timestamp is at or after the split time {time}{gap}. {remedy}"

    @classmethod
    def describe(cls, statistics: Mapping[str, Any]) -> str:
        split, users, gap = statistics["split"], statistics["users"], statistics["rows"]["dropped"].get("gap", 0)
        date = f" ({split['date']})" if split["date"] else ""
        return (
            f"{cls.name}, held out from {split['time']}{date}, {users['heldout']:,} users with held-out rows known to "
            f"training{f', {gap:,} rows of the gap before it left out' if gap else ''}"
        )


class LeaveOneOut(SplitRule):
    """Each user's last row is for test, the one before for validation, whenever they were."""

    name = "leave_one_out"
    summary = "each user's last row is for test, the one before for validation"
    at_any_time = True

    def held_out(self, table: "UserTable", times: Sequence[int]) -> "Mask":
        del times
        # Where the rule on duplicates has yet to choose, rows from the first one on that is held out.
        held_out: Mask = rows_after(table) < np.minimum(rows_kept(table), 2)
        return held_out

    def split(self, table: "UserTable", train: "Mask", keys: Sequence[int]) -> Splits:
        del keys
        after = rows_after(table)
        return np.select([train, after == 0], [TRAIN, TEST], VALIDATION).astype(np.int8)

    def remedy(self, time: str | None) -> str:
        del time
        return f"no user has more than two, which are for test and validation. Split by {GlobalTime.name}"


class ByColumn(SplitRule):
    """A column of the input says train, validation or test of each row."""

    name = "column"
    summary = "the split column says train, validation or test"
    columns = ("split",)

    def held_out(self, table: "UserTable", times: Sequence[int]) -> "Mask":
        del times
        held_out: Mask = self._column(table) != TRAIN
        return held_out

    def split(self, table: "UserTable", train: "Mask", keys: Sequence[int]) -> Splits:
        del train, keys
        return self._column(table)

    def _column(self, table: "UserTable") -> Splits:
        # The table of a shard without any row has no column.
        return np.zeros(len(table), np.int8) if table.split is None else table.split

    def remedy(self, time: str | None) -> str:
        del time
        return f"the column {self._config.columns.split!r} says train for none of them"

    @classmethod
    def remark(cls, statistics: Mapping[str, Any]) -> str | None:
        dropped = statistics["rows"]["dropped"]
        if not dropped["rare_item"] + dropped["rare_user"]:
            return None
        return (
            f"The filters act on the rows of every split and count held-out rows too: {dropped['rare_item']:,} rows of "
            f"items with too few users and {dropped['rare_user']:,} rows of users with too few items were dropped, "
            "whatever the split column says of them. Set `min_item_users: 1` and `min_user_items: 1` to keep them."
        )


class NothingHeldOut(SplitRule):
    """Every row is for training: histories of all that is known, for lists (`pnfrec recommend`) and not for a run."""

    name = "none"
    summary = "nothing is held out, so that nothing can be judged: for `pnfrec recommend`, not for `pnfrec run`"
    holds_out = False
    settings = ("recent_days",)

    def rank_rules(self) -> dict[str, RankRule]:
        return {TIME: last_rank} if self._config.recent_days else {}

    def times_of(self, found: Sequence[int]) -> tuple[int, ...]:
        # Recent likes are counted up to a time, without those at it: so from just after the last row.
        return tuple(time + 1 for time in found)

    def held_out(self, table: "UserTable", times: Sequence[int]) -> "Mask":
        del times
        return np.zeros(len(table), bool)

    def split(self, table: "UserTable", train: "Mask", keys: Sequence[int]) -> Splits:
        del train, keys
        return np.zeros(len(table), np.int8)

    def known_until(self, times: Sequence[int], unit: str | None) -> int | None:
        del times, unit
        return np.iinfo(np.int64).max

    def remedy(self, time: str | None) -> str:
        del time
        return "none is held out. Give more data"
