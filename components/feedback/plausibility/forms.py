"""Ids that mean the same to a reader and not to a program.

They differ by case, blanks, zeros in front, `.0` behind a number or Unicode form.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Ids that are in their plainest form at a glance.
_PLAIN = r"^[1-9][0-9]*$"


def plainest(ids: pa.Array) -> pa.Array:
    r"""Each id in its plainest form: NFKC, lower case, without blanks, zeros in front or `.0` behind a number.

    >>> plainest(pa.array(["AB 1", "007", "28.0", "\uff21b1"])).to_pylist()
    ['ab1', '7', '28', 'ab1']
    """
    if pc.all(pc.match_substring_regex(ids, _PLAIN)).as_py():
        return ids
    form = pc.utf8_lower(pc.utf8_normalize(ids, "NFKC"))
    form = pc.replace_substring_regex(form, r"\s+", "")
    form = pc.replace_substring_regex(form, r"^([0-9]+)\.0+$", r"\1")
    return pc.replace_substring_regex(form, r"^0+([^.])", r"\1")


def other_forms(ids: pa.Array, most: int) -> dict[str, str]:
    """Ids that are not in their plainest form, by that form: the first `most` of them by the form."""
    form = plainest(ids)
    differs = pc.not_equal(form, ids)
    pairs = sorted(zip(form.filter(differs).to_pylist(), ids.filter(differs).to_pylist(), strict=True))
    found: dict[str, str] = {}
    for plain, name in pairs:
        if len(found) >= most:
            break
        found.setdefault(plain, name)
    return found


def clashing(ids: pa.Array) -> tuple[int, tuple[str, str] | None]:
    """How many distinct ids have the plainest form of another one, and the first two by that form."""
    form = plainest(ids)
    if form.equals(ids):
        return 0, None
    encoded = form.dictionary_encode()
    codes: npt.NDArray[np.int32] = encoded.indices.to_numpy()
    shared = np.bincount(codes)[codes] > 1
    if not shared.any():
        return 0, None
    some = pa.array(shared)
    pairs = sorted(zip(form.filter(some).to_pylist(), ids.filter(some).to_pylist(), strict=True))
    return int(np.count_nonzero(shared)), (pairs[0][1], pairs[1][1])
