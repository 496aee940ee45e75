"""What became of the rows of a shard that may be in an example."""

import numpy as np

from components.feedback.rules.filters import Known
from components.feedback.rules.splits import Splits
from components.feedback.rules.table import UserTable
from components.feedback.rules.targets import Selection, seen_before
from components.feedback.writing import account
from pnfrec_columns.arrays import Mask
from pnfrec_core import schema


def row_counts(table: UserTable, known: Known, splits: Splits, positive: Mask, chosen: Selection) -> dict[str, int]:
    """The counts of `account`, by name."""
    counts = {
        account.DROPPED + "unknown_user": known.unknown_user,
        account.DROPPED + "unknown_item": known.unknown_item,
        account.DROPPED + "few_positives": chosen.few_positives,
        account.DROPPED + "few_heldout_positives": chosen.few_heldout_positives,
        account.DROPPED + "no_positive_target": chosen.no_positive_target,
        account.DROPPED + "capped": chosen.capped,
        "users_heldout": chosen.heldout_users,
        "users_heldout_enough": chosen.heldout_users_enough,
    }
    for split, name in enumerate(schema.SPLITS):
        here = chosen.used & (splits == split)
        rows = {"positive": here & positive, "negative": here & ~positive}
        for polarity, mask in rows.items():
            counts[account.kept(name, polarity)] = int(np.count_nonzero(mask))
    for split, targets in chosen.targets.items():
        name = schema.SPLITS[split]
        positives = int(np.count_nonzero(positive[targets.rows]))
        counts[account.examples(name, "positive")] = positives
        counts[account.examples(name, "negative")] = len(targets.rows) - positives
        counts[f"seen_targets_{name}"] = seen_before(table, targets)
    return counts
