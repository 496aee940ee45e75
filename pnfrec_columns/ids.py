"""Ids of users and items: the one text form of each, whatever it is stored as, and its hash."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pnfrec_columns.arrays import EXACT_BITS, Codes, Mask, is_text, utf8, with_nulls
from pnfrec_core.errors import FeedbackError

# What software writes where there is no value, in lower case.
_NO_VALUE = ("nan", "null", "none", "nil", "na", "n/a", "#n/a", "<na>", "nat", "(null)", "\\n", "undefined")


def decode_ids(array: pa.Array, where: str) -> tuple[pa.Array, Codes]:
    """Distinct ids, without blanks around them, and a code per row.

    The code is -1 for an id that is missing, empty, not UTF-8 or no whole number.
    """
    if pa.types.is_dictionary(array.type) and not is_text(array.type.value_type):
        array = array.dictionary_decode()
    if not pa.types.is_dictionary(array.type):
        array = _plain_ids(array, where).dictionary_encode()
    codes = with_nulls(array.indices, -1).astype(np.int32)
    ids, bad = utf8(array.dictionary)
    trimmed = pc.utf8_trim_whitespace(ids)
    if not trimmed.equals(ids):
        # Ids that blanks alone kept apart are one.
        ids, codes, bad = _merged(trimmed, codes, bad)
    bad |= np.asarray(pc.equal(pc.binary_length(ids), 0))
    if bad.any():
        codes = np.where(np.append(bad, True)[codes], np.int32(-1), codes)
    return ids, codes


def _merged(ids: pa.Array, codes: Codes, bad: Mask) -> tuple[pa.Array, Codes, Mask]:
    """The same rows with each of `ids` once."""
    encoded = ids.dictionary_encode()
    places = encoded.indices.to_numpy().astype(np.int32)
    bad_codes = np.where(bad, np.int32(-1), places)
    return encoded.dictionary, np.append(bad_codes, np.int32(-1))[codes], np.zeros(len(encoded.dictionary), bool)


def hash_ids(ids: pa.Array, key: str) -> npt.NDArray[np.uint64]:
    """A hash of each id (SipHash of the UTF-8 bytes) that depends on the id and the 16 characters of `key` alone."""
    import pandas as pd  # half a second, which who only looks at ids need not pay

    texts = ids.to_numpy(zero_copy_only=False)
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(texts, hash_key=key, categorize=False)
    return hashes


def say_nothing(ids: pa.Array) -> Mask:
    r"""Which ids are a word for no value, such as `nan` or `NULL`, and may be what a program made of a missing one.

    >>> say_nothing(pa.array(["NaN", "None", "\\N", "nano", "0"])).tolist()
    [True, True, True, False, False]
    """
    found: Mask = np.asarray(pc.is_in(pc.utf8_lower(ids), value_set=pa.array(_NO_VALUE)))
    return found


def expected_id(kind: Any) -> str:
    """What an id of an Arrow type has to be, for an error."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_floating(kind):
        return f"a whole number below 2**{EXACT_BITS[kind.bit_width]}, up to which {kind} is exact"
    if pa.types.is_decimal(kind):
        return "a whole number"
    return "a non-empty id in UTF-8"


def _plain_ids(array: pa.Array, where: str) -> pa.Array:
    """Ids as text, bytes or integers; null where one is missing or has no text form.

    Args:
        array: Of any type but a dictionary. Strings, bytes and integers are returned as they are.
        where: Names the column.

    Raises:
        FeedbackError: The type has no text form that anybody would agree on.
    """
    kind, types = array.type, pa.types
    if types.is_floating(kind):
        return _whole_floats(array)
    if types.is_decimal(kind):
        return _whole_decimals(array)
    if types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind):
        return _moments(array)
    if types.is_boolean(kind) or types.is_null(kind):
        return array.cast(pa.string())
    if types.is_fixed_size_binary(kind):
        return array.cast(pa.binary())
    if types.is_integer(kind) or is_text(kind):
        return array
    msg = f"{where}: ids must be text, whole numbers, booleans or dates, not {kind}. Store them as strings."
    raise FeedbackError(msg)


def _whole_floats(array: pa.Array) -> pa.Array:
    """Integers: pandas makes floats of a column of integers in which one is missing."""
    numbers = array.to_numpy(zero_copy_only=False)
    whole = (np.abs(numbers) < 2.0 ** EXACT_BITS[array.type.bit_width]) & (numbers == np.floor(numbers))
    return pa.array(np.where(whole, numbers, 0).astype(np.int64), mask=~whole)


def _whole_decimals(array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:
        # Somewhere is a fraction, or more than an int64 holds: rare enough for one value after another.
        values = array.to_pylist()
    whole = (None if value is None or value != value.to_integral_value() else str(int(value)) for value in values)
    return pa.array(whole, pa.string())


def _moments(array: pa.Array) -> pa.Array:
    """ISO dates and times as Arrow writes them, in UTC where they have a zone; the same whatever unit they come in."""
    zoned = pa.types.is_timestamp(array.type) and array.type.tz is not None
    text = (array.view(pa.timestamp(array.type.unit)) if zoned else array).cast(pa.string())
    text = pc.replace_substring_regex(text, r"(\.\d*[1-9])0+$", r"\1")
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    # Arrow's answer to a year of more than four digits is a sentence in angle brackets.
    text = pc.if_else(pc.starts_with(text, "<"), pa.scalar(None, pa.string()), text)
    return pc.binary_join_element_wise(text, "Z", "") if zoned else text
