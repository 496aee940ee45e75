"""Names of what a batch holds: `pnfrec_keras.examples.arrays` makes batches, the network reads them. No dependency.

A training batch is `(x, y)` with a key for each sequence in both, the inputs and the next items; an evaluation batch is
`({POSITIVE, SEEN}, {TARGET, IS_POSITIVE})`.
"""

from typing import Final

# Sequences of item indices.
POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"
MIXED: Final = "mixed"
# Of training inputs, behind the name of a sequence: how many of them have a label, where a last one may have none.
LABELLED: Final = "_labelled"
# Of training labels: which ones of MIXED are positive; and, behind the name of a sequence, how far each value lies from
# the boundary between liked and disliked, and into which period of the trend it falls.
MIXED_IS_POSITIVE: Final = "mixed_is_positive"
MARGINS: Final = "_margins"
PERIODS: Final = "_periods"
# Of training labels: items that the user disliked; behind that name, the position of the likes after which each was.
DISLIKED: Final = "disliked"
PLACES: Final = "_places"
# Of evaluation: what is left out of the ranking, the item to be found, and its group.
SEEN: Final = "seen"
TARGET: Final = "target"
IS_POSITIVE: Final = "is_positive"
