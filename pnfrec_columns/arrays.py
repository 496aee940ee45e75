"""Arrow arrays as numpy arrays: the small steps that the decoders of ids, times and values share."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Bits in the mantissa of a float of so many bits: below 2 to that power, each whole number is a float of its own.
EXACT_BITS = {16: 11, 32: 24, 64: 53}


def is_text(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    )


def is_numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def without_dictionary(array: pa.Array) -> pa.Array:
    """The values of a dictionary-encoded array; another array as it is."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def nulls(array: pa.Array) -> Mask:
    mask: Mask = np.array(array.is_null())
    return mask


def with_nulls(array: pa.Array, fill: float) -> npt.NDArray[Any]:
    filled: npt.NDArray[Any] = (array.fill_null(fill) if array.null_count else array).to_numpy(zero_copy_only=False)
    return filled


def as_float64(array: pa.Array) -> Floats:
    """Numbers of any kind as float64; NaN where there is none."""
    if pa.types.is_float16(array.type):
        # Arrow casts them to nothing and fills none of them; numpy makes NaN of what is missing.
        return np.asarray(array.to_numpy(zero_copy_only=False), np.float64)
    numbers: Floats = with_nulls(array.cast(pa.float64(), safe=False), np.nan)
    return numbers


def utf8(array: pa.Array) -> tuple[pa.Array, Mask]:
    """`array` as strings without nulls, and the mask of nulls and of what is not UTF-8 (empty there)."""
    bad = nulls(array)
    array = array.fill_null("" if "string" in str(array.type) else b"") if bad.any() else array
    try:
        return array.cast(pa.string()), bad
    except pa.ArrowInvalid:
        texts = [_text_or_none(value) for value in array.to_pylist()]
        bad |= np.asarray([text is None for text in texts])
        return pa.array([text or "" for text in texts], pa.string()), bad


def _text_or_none(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def matches(text: pa.Array, pattern: str) -> Mask:
    mask: Mask = np.asarray(pc.match_substring_regex(text, pattern))
    return mask
