"""What is no table, or a table whose columns cannot be meant."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pnfrec_keras.examples.frames import arrays_from_frame

pytestmark = pytest.mark.tensorflow
ROWS: pd.DataFrame = pd.DataFrame(
    {
        "user": [1, 1, 1, 1, 2, 2],
        "item": list("abcdab"),
        "value": [9, 9, 9, 3, 9, 3],
        "timestamp": [1, 2, 3, 4, 5, 6],
    }
)


class Lazy:
    """As a lazy frame of polars: names, and no values yet."""

    columns = ("user", "item", "value", "timestamp")

    def collect(self) -> pd.DataFrame:
        return ROWS


@pytest.mark.parametrize("frame", [None, "ratings.csv", ROWS.to_numpy(), [("u", "i", 9, 1)], 3, Lazy()])
def test_what_is_no_table_in_memory_is_told(frame: Any) -> None:
    message = rf"must be a table in memory whose columns have names.* Received: {type(frame).__name__}\."
    with pytest.raises(ValueError, match=message):
        arrays_from_frame(frame, positive=8)


@pytest.mark.parametrize("make", [lambda rows: rows.to_records(index=False), pa.Table.from_pandas, dict])
def test_tables_of_every_kind_are_one(make: Any) -> None:
    found, expected = (arrays_from_frame(frame, positive=8) for frame in (make(ROWS), ROWS))
    assert found.vocabulary.item_ids == expected.vocabulary.item_ids
    np.testing.assert_array_equal(found.training.positive, expected.training.positive)
    np.testing.assert_array_equal(found.training.negative, expected.training.negative)


def test_two_columns_in_one_are_refused() -> None:
    with pytest.raises(ValueError, match="The frame: `user` and `item` name one column, 'item'"):
        arrays_from_frame(ROWS, positive=8, user="item")
    with pytest.raises(ValueError, match=r"lacks the column\(s\) None"):
        arrays_from_frame(ROWS, positive=8, user=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([9, 9, 9, 3, 9, 3], complex), r"Column 'value', row 0: expected a finite number, found \(9"),
        (pd.cut(ROWS["value"], 2), r"Column 'value': values must be numbers, not extension"),
    ],
)
def test_values_of_types_that_arrow_casts_to_nothing(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arrays_from_frame(ROWS.assign(value=value), positive=8)


@pytest.mark.parametrize("length", [0, -1, 2.5, "5"])
def test_a_length_that_no_model_has(length: Any) -> None:
    with pytest.raises(ValueError, match=r"`model\.max_length` must be .* Received: "):
        arrays_from_frame(ROWS, positive=8, max_length=length)


def test_rows_that_tell_two_values_of_one_interaction_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    told = pd.concat([ROWS, ROWS.assign(value=9), ROWS.iloc[:2]])
    arrays_from_frame(told, positive=8)
    assert "2 rows have the user, the item and the time of another row, and another value." in caplog.text
    caplog.clear()
    arrays_from_frame(pd.concat([ROWS, ROWS.assign(timestamp=7)]), positive=8)
    assert "another value" not in caplog.text


@pytest.mark.parametrize("column", ["user", "item", "value"])
def test_text_that_no_file_can_hold_is_told_by_its_column(column: str) -> None:
    """As of `pandas.read_csv(..., encoding_errors="surrogateescape")`."""
    frame = ROWS.assign(**{column: ["caf\udce9", *"abcde"]})
    with pytest.raises(ValueError, match=rf"Column '{column}': the text 'caf\\udce9' is none that UTF-8 can hold"):
        arrays_from_frame(frame, positive=8)
