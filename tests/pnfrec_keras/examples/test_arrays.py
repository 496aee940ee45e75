"""Arrays, batches, records and frames."""

import datetime
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pnfrec_keras.evaluation.tables import evaluate_table
from pnfrec_keras.examples import arrays
from pnfrec_keras.examples.frames import arrays_from_frame
from pnfrec_keras.examples.records import read_evaluation, read_training
from pnfrec_keras.examples.vocabulary import Vocabulary
from tests.pnfrec_keras.writing import evaluation_example, training_example, write_records

VOCABULARY = Vocabulary(["a", "b", "c", "d"], np.array([4, 3, 2, 1]), np.array([4, 3, 2, 1]))


def test_padding_is_on_the_right_and_keeps_the_last() -> None:
    rows = [[1, 2, 3, 4], [5], []]
    assert arrays.pad(rows, 3).tolist() == [[2, 3, 4], [5, 0, 0], [0, 0, 0]]
    assert arrays.pad(rows, 0).shape == (3, 0)


def test_raw_ids_become_indices_and_unknown_ones_vanish() -> None:
    made = arrays.training_arrays([["a", "zz", "b", "c"], ["d"]], [[], ["zz"]], VOCABULARY, max_length=2)
    assert made.positive.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert made.negative.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_records_give_the_same_arrays_as_lists(tmp_path: Path) -> None:
    users = [(["a", "b", "zz", "c", "d"], ["d"]), (["b"], []), (["zz"], ["a", "b", "c"])]
    shards = [tmp_path / f"part-{shard}.gz" for shard in range(2)]
    write_records(shards[0], [training_example("u0", *users[0]), training_example("u1", *users[1])])
    write_records(shards[1], [training_example("u2", *users[2])])
    read = read_training(str(tmp_path / "part-*"), VOCABULARY, max_length=3)
    expected = arrays.training_arrays([user[0] for user in users], [user[1] for user in users], VOCABULARY, 3)
    np.testing.assert_array_equal(read.positive, expected.positive)
    np.testing.assert_array_equal(read.negative, expected.negative)

    examples = [(["a"], ["a", "c"], "b", 1), ([], [], "zz", 0), (["a", "b", "c", "d"], ["d", "zz"], "d", 0)]
    write_records(tmp_path / "eval.gz", [evaluation_example(*each) for each in examples])
    found = read_evaluation(str(tmp_path / "eval.gz"), VOCABULARY, max_length=3)
    assert found.positive.tolist() == [[1, 0, 0], [0, 0, 0], [2, 3, 4]]
    assert [row.tolist() for row in found.seen] == [[1, 3], [], [4]]
    assert found.target.tolist() == [2, 0, 4]
    assert found.is_positive.tolist() == [1, 0, 0]


def test_no_file_is_an_error_that_names_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No TFRecord file matches .*nothing-\*"):
        read_training(str(tmp_path / "nothing-*"), VOCABULARY, 3)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part-0.gz"
    write_records(path, [training_example(f"u{n}", ["a", "b"] * 50, ["c"]) for n in range(200)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"part-0.gz: not a complete gzip TFRecord file"):
        read_training(str(path), VOCABULARY, 3)


def test_a_file_of_other_examples_is_named(tmp_path: Path) -> None:
    write_records(tmp_path / "part-0.gz", [training_example("u", ["a"], [])])
    with pytest.raises(ValueError, match=r"part-0.gz: not a complete .* target_is_positive"):
        read_evaluation(str(tmp_path / "part-0.gz"), VOCABULARY, 3)


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    write_records(tmp_path / "part-0.gz", [])
    with pytest.raises(ValueError, match=r"1 file.s., but not one example"):
        read_training(str(tmp_path / "part-0.gz"), VOCABULARY, 3)


def numbered_users(count: int) -> arrays.TrainingArrays:
    rows = np.tile(np.arange(1, count + 1, dtype=np.int32)[:, np.newaxis], (1, 3))
    return arrays.TrainingArrays(rows, np.zeros_like(rows))


def epochs_of(dataset: tf.data.Dataset, steps: int, epochs: int) -> list[list[int]]:
    batches = [batch[0]["positive"].numpy()[:, 0].tolist() for batch in dataset.take(steps * epochs)]
    return [[user for batch in batches[at : at + steps] for user in batch] for at in range(0, steps * epochs, steps)]


def test_each_epoch_holds_every_user_once_in_an_order_of_its_own() -> None:
    made = numbered_users(10)
    steps = arrays.steps_per_epoch(made, 4)
    assert steps == 3
    first, second = epochs_of(arrays.training_dataset(made, 4, seed=1), steps, 2)
    assert sorted(first) == sorted(second) == list(range(1, 11))
    assert first != second
    assert epochs_of(arrays.training_dataset(made, 4, seed=2), steps, 1)[0] != first


def test_a_resumed_run_sees_the_batches_it_would_have_seen() -> None:
    made = numbered_users(10)
    whole = epochs_of(arrays.training_dataset(made, 4, seed=1), 3, 4)
    resumed = epochs_of(arrays.training_dataset(made, 4, seed=1, first_epoch=2, epochs=4), 3, 2)
    assert resumed == whole[2:]
    assert len(list(arrays.training_dataset(made, 4, seed=1, first_epoch=2, epochs=4))) == 6


def test_evaluation_batches_pad_seen_items_to_their_own_longest_row() -> None:
    made = arrays.evaluation_arrays(
        [["a"]] * 3, [["a"], ["a", "b", "c"], []], ["b", "d", "a"], [1, 0, 1], VOCABULARY, 2
    )
    batches = list(arrays.evaluation_dataset(made, 2))
    assert [x["seen"].numpy().tolist() for x, _ in batches] == [[[1, 0, 0], [1, 2, 3]], [[]]]
    assert [y["target"].numpy().tolist() for _, y in batches] == [[2, 4], [1]]
    assert [y["is_positive"].numpy().tolist() for _, y in batches] == [[1, 0], [1]]


def frame(rows: Sequence[tuple[object, object, float, int]]) -> dict[str, Any]:
    """The columns of a table: what `arrays_from_frame` needs of a DataFrame."""
    columns = list(zip(*rows, strict=True))
    return {
        name: np.array(column) for name, column in zip(("user", "item", "value", "timestamp"), columns, strict=True)
    }


def test_a_frame_is_split_before_each_users_last_positive() -> None:
    rows = [
        *[(1, "x", 9.0, 5), (1, "y", 8.0, 5), (1, "z", 2.0, 6), (1, "w", 8.0, 7), (1, "v", 1.0, 8)],
        *[(2, "y", 8.0, 1), (2, "x", 7.9, 0)],
    ]
    vocabulary, training, validation = arrays_from_frame(frame(rows), positive=8, max_length=3)
    # User 1 keeps x, y (equal times, in the order of the rows) and z; w is the target, v came later. User 2 keeps all.
    assert list(vocabulary.item_ids) == ["x", "y", "z"]
    assert vocabulary.counts.tolist() == [2, 2, 1]
    assert training.positive.tolist() == [[1, 2, 0, 0], [2, 0, 0, 0]]
    assert training.negative.tolist() == [[3, 0, 0, 0], [1, 0, 0, 0]]
    assert validation.positive.tolist() == [[1, 2, 0]]
    assert [row.tolist() for row in validation.seen] == [[1, 2, 3]]
    assert validation.target.tolist() == [0], "w never occurs in training: a miss"


def test_a_frame_that_cannot_be_used_says_why() -> None:
    columns = frame([(1, "x", float("nan"), 5)])
    with pytest.raises(ValueError, match=r"Column 'value', row 0: expected a finite number, found nan"):
        arrays_from_frame(columns, positive=8)
    with pytest.raises(ValueError, match=r"stars. It has: user, item, value, timestamp. Name them by `user`, `i"):
        arrays_from_frame(columns, positive=8, value="stars")
    twice = pd.concat([pd.DataFrame(columns), pd.DataFrame(columns)[["item"]]], axis=1)
    with pytest.raises(ValueError, match=r"The frame has the column 'item' 2 times: give each a name of its own"):
        arrays_from_frame(twice, positive=8)
    for longer in ("user", "timestamp"):
        uneven = {**columns, longer: np.array([1, 1])}
        with pytest.raises(ValueError, match=rf"as many values of each column. Received: .*2 of {longer}"):
            arrays_from_frame(uneven, positive=8)
    with pytest.raises(ValueError, match="The frame has no row"):
        arrays_from_frame(pd.DataFrame(columns)[:0], positive=8)


def test_a_frame_is_read_as_the_pipeline_reads_a_file() -> None:
    """Ids that pandas made floats, times that are text, dates: one meaning everywhere."""
    plain = [(1, str(item), 9.0, time) for item, time in ((28, 9), (29, 10), (30, 11), (31, 100))]
    expected = arrays_from_frame(frame(plain), positive=8)
    days = [np.datetime64("1970-01-01") + np.timedelta64(time, "D") for *_, time in plain]
    for name, column in (
        ("item", np.array([28.0, 29.0, 30.0, 31.0])),
        ("item", np.array([" 28", "29 ", "30", "31"])),
        ("timestamp", np.array(["9", "10", "11", "100"])),
        ("timestamp", np.array([9.25, 10, 11, 100])),
        ("timestamp", np.array(days, "datetime64[ns]")),
        ("timestamp", np.array([str(day) for day in days])),
    ):
        found = arrays_from_frame({**frame(plain), name: column}, positive=8)
        assert found.vocabulary.item_ids == expected.vocabulary.item_ids == ["28", "29", "30"]
        assert found.training.positive.tolist() == expected.training.positive.tolist()
        assert found.validation.positive.tolist() == expected.validation.positive.tolist()


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("item", [28.0, np.nan], r"Column 'item', row 1: expected a whole number below 2\*\*53"),
        ("item", [28.5, 29.0], r"Column 'item', row 0: expected a whole number"),
        ("user", ["", "u"], r"Column 'user', row 0: expected a non-empty id"),
        ("timestamp", ["9", "soon"], r"Column 'timestamp', row 1: expected a whole number .* found 'soon'"),
        ("timestamp", ["15.06.2013", "16.06.2013"], r"row 0: .* become readable by pandas.to_datetime"),
        ("timestamp", [20130815, 20130816], r"read as dates written as numbers.*format='%Y%m%d'"),
        ("timestamp", [5, 1_366_117_800_000], r"the times have several units \(1 in seconds, 1 in milliseconds\)"),
        ("timestamp", np.array([1_366_117_800, 5], np.float32), r"stored as float, .* Store them as int64"),
    ],
)
def test_what_the_pipeline_refuses_a_frame_must_not_hold(name: str, column: Any, message: str) -> None:
    columns = {**frame([(1, "x", 9.0, 5), (1, "y", 9.0, 6)]), name: np.array(column)}
    with pytest.raises(ValueError, match=message):
        arrays_from_frame(columns, positive=8)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ([7, 7.0, "7", " 7 ", b"7", Decimal("7.0"), np.int8(7), np.float32(7)], ["7"]),
        ([True, "true", np.True_], ["true"]),
        ([datetime.date(2020, 1, 2), "2020-01-02"], ["2020-01-02"]),
        ([10**30, str(10**30)], [f"1{'0' * 30}"]),
        ([10**30, 10**30], [f"1{'0' * 30}"]),
    ],
)
def test_an_id_of_several_types_is_one(written: list[Any], read: list[str]) -> None:
    """A column of objects, such as a join of two tables leaves."""
    rows = [(1, "x", 9.0, time) for time in range(len(written))]
    columns = {**frame(rows), "item": pd.Series(written, dtype=object)}
    assert arrays_from_frame(columns, positive=8).vocabulary.item_ids == read


def test_ids_of_any_length_and_sign_stay_apart() -> None:
    rows = [(user, item, 9.0, time) for user in ("u\0", "u") for time, item in enumerate(["i\0", "i", "i" * 1000])]
    columns = pd.DataFrame(rows, columns=["user", "item", "value", "timestamp"])
    vocabulary, training, validation = arrays_from_frame(columns, positive=8, max_length=3)
    assert vocabulary.item_ids == ["i", "i\0"]
    assert (len(training), len(validation)) == (2, 2)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_id_amid_several_types_is_none(missing: Any) -> None:
    columns = {**frame([(1, "x", 9.0, time) for time in range(3)]), "item": pd.Series([7, "x", missing], dtype=object)}
    with pytest.raises(ValueError, match=r"Column 'item', row 2: expected a non-empty id"):
        arrays_from_frame(columns, positive=8)


@pytest.mark.parametrize("threshold", [math.nan, math.inf, "8", None, True])
def test_a_threshold_that_parts_nothing_is_refused(threshold: Any) -> None:
    with pytest.raises(ValueError, match=r"`positive` must be a finite number.* Received: "):
        arrays_from_frame(frame([(1, "x", 9.0, 5)]), positive=threshold)
    tables = {"user": ["u"], "item": ["x"], "rank": [1], "value": [9.0]}
    with pytest.raises(ValueError, match=r"`positive` must be a finite number.* Received: "):
        evaluate_table(tables, tables, positive=threshold)


def test_what_a_frame_makes_useless_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sound = [(user, item, 9.0 - 2 * (item == "z"), time) for user in (1, 2) for time, item in enumerate("zwxyv", 1)]
    arrays_from_frame(frame(sound), positive=8)
    assert caplog.messages == []
    arrays_from_frame(frame(sound), positive=7)
    assert caplog.messages == ["No value is below `positive`, 7: there are no dislikes to learn from."]
    caplog.clear()
    arrays_from_frame(frame([*sound, (1, "x", 9.0, 8), (2, "nan", 9.0, 0)]), positive=8)
    first, second = caplog.messages
    caplog.clear()
    mixed = {**frame(sound), "timestamp": [f"2020-01-0{n % 5 + 1}T10:00{'Z' * (n < 3)}" for n in range(10)]}
    arrays_from_frame(mixed, positive=8)
    assert caplog.messages[0].startswith("Column 'timestamp': 3 dates name their zone and 7 do not; the latter are")
    assert first.startswith("Column 'item': 1 rows have the id 'nan', a word for no value")
    assert second.startswith("1 of 2 held-out items are in the history of their user already, so that they can only be")
