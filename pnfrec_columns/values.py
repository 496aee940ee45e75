"""Values as numbers, and words that stand for numbers, such as those of a column of polarities."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pnfrec_columns.arrays import (
    Floats,
    Mask,
    as_float64,
    is_numeric,
    is_text,
    matches,
    nulls,
    utf8,
    with_nulls,
    without_dictionary,
)
from pnfrec_core.errors import FeedbackError

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def decode_numbers(array: pa.Array, where: str) -> tuple[Floats, Mask]:
    """Values as float64, and the mask of those that are missing, not finite or no number (0 there)."""
    array = without_dictionary(array)
    if is_text(array.type):
        text, bad = utf8(array)
        values = _cast_where(text, _NUMBER, pa.float64(), bad)
    elif pa.types.is_boolean(array.type):
        values, bad = with_nulls(array.cast(pa.int8()), 0).astype(np.float64), nulls(array)
    elif is_numeric(array.type):
        values, bad = as_float64(array), nulls(array)
    else:
        msg = f"{where}: values must be numbers, not {array.type}."
        raise FeedbackError(msg)
    bad = bad | ~np.isfinite(values)
    # Adding zero turns -0.0 into 0.0, which is the same number but not the same bits.
    return np.where(bad, 0.0, values) + 0.0, bad


def decode_words(array: pa.Array, words: dict[str, Any], where: str) -> tuple[Floats, Mask]:
    """The number that stands for each word, whatever its case, and the mask of unknown words (0 there)."""
    array = without_dictionary(array)
    try:
        text, bad = utf8(array if is_text(array.type) else array.cast(pa.string()))
    except pa.ArrowNotImplementedError as error:
        msg = f"{where}: expected words such as {', '.join(words)}, not {array.type}. Store them as strings."
        raise FeedbackError(msg) from error
    places = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), value_set=pa.array(list(words)))
    codes = with_nulls(places, -1)
    bad = bad | (codes < 0)
    return np.where(bad, 0.0, np.asarray(list(words.values()), np.float64)[codes]), bad


def _cast_where(text: pa.Array, pattern: str, kind: Any, bad: Mask) -> npt.NDArray[Any]:
    """`text` as numbers; marks what does not match `pattern` in `bad` (0 there) if not everything can be cast."""
    try:
        numbers: npt.NDArray[Any] = text.cast(kind).to_numpy()
        return numbers
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(text)
    matched = matches(text, pattern)
    bad |= ~matched
    values = np.zeros(len(text), np.float64)
    values[matched] = pc.replace_substring_regex(text.filter(pa.array(matched)), r"^\+", "").cast(kind).to_numpy()
    return values
