"""Where a row stands among those of its user."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    # Which imports Arrow, and the configuration reads this module.
    from components.feedback.rules.table import UserTable


def rows_kept(table: "UserTable") -> npt.NDArray[np.int64]:
    """How many rows of each row's user the rule on duplicates keeps."""
    kept: npt.NDArray[np.int64] = np.bincount(table.user[table.stays], minlength=len(table.users))[table.user]
    return kept


def rows_after(table: "UserTable") -> npt.NDArray[np.int64]:
    """How many rows of the same user follow each row, of those that the rule on duplicates keeps."""
    until = np.cumsum(table.stays)
    of_users = np.cumsum(np.bincount(table.user[table.stays], minlength=len(table.users)))
    after: npt.NDArray[np.int64] = of_users[table.user] - until
    return after
