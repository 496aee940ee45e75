"""Ids that mean the same to a reader and not to a program.

They differ by case, blanks, signs that nobody sees, quotes around them, zeros in front, `.0` behind a number or Unicode
form.
"""

import itertools
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

# Blanks, and what takes no room at all: a mark of byte order amid joined files, a zero-width space, a direction, NUL.
_UNSEEN = r"[\s\p{Z}\p{Cc}\p{Cf}]+"
# Quotes that a reader left, or that Python's `str` of bytes makes.
_QUOTED = (r"^b?'(.*)'$", r'^b?"(.*)"$')
# Ids that are in their plainest form at a glance.
_PLAIN = r"^[1-9][0-9]*$"


def plainest(ids: pa.Array) -> pa.Array:
    r"""Each id in its plainest form: NFKC, lower case, without what is unseen, zeros in front or `.0` behind a number.

    >>> plainest(pa.array(["AB 1", "007", "28.0", "\uff21b1", "\ufeff12", "b'ab1'"])).to_pylist()
    ['ab1', '7', '28', 'ab1', '12', 'ab1']
    """
    if pc.all(pc.match_substring_regex(ids, _PLAIN)).as_py():
        return ids
    form = pc.utf8_lower(pc.utf8_normalize(ids, "NFKC"))
    form = pc.replace_substring_regex(form, _UNSEEN, "")
    for quoted in _QUOTED:
        form = pc.replace_substring_regex(form, quoted, r"\1")
    form = pc.replace_substring_regex(form, r"^([0-9]+)\.0+$", r"\1")
    return pc.replace_substring_regex(form, r"^0+([^.])", r"\1")


class OtherForms(NamedTuple):
    """Ids that are not in their plainest form.

    Attributes:
        of_form: One id of each plainest form.
        clashes: How many more ids have one of these forms.
        pair: The first two ids of one form, where there are any.
        left_out: How many further ids were not looked at.
    """

    of_form: dict[str, str]
    clashes: int
    pair: tuple[str, str] | None
    left_out: int


def other_forms(ids: pa.Array, most: int) -> OtherForms:
    """The ids that are not in their plainest form, `most` of them by that form."""
    form = plainest(ids)
    differs = pc.not_equal(form, ids)
    pairs = sorted(zip(form.filter(differs).to_pylist(), ids.filter(differs).to_pylist(), strict=True))
    looked_at = pairs[:most]
    of_form = dict(reversed(looked_at))
    twice = ((a[1], b[1]) for a, b in itertools.pairwise(looked_at) if a[0] == b[0])
    return OtherForms(of_form, len(looked_at) - len(of_form), next(twice, None), len(pairs) - len(looked_at))


def clashing(ids: pa.Array) -> tuple[int, tuple[str, str] | None]:
    """How many distinct ids have the plainest form of one before them, and the first two of one form."""
    form = plainest(ids)
    if form.equals(ids):
        return 0, None
    pairs = sorted(zip(form.to_pylist(), ids.to_pylist(), strict=True))
    clashes = [(a[1], b[1]) for a, b in itertools.pairwise(pairs) if a[0] == b[0]]
    return len(clashes), next(iter(clashes), None)
