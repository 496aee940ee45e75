"""Order, counts and titles of the catalogue."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import FeedbackConfig, TitlesConfig
from components.feedback.reading.titles import ItemTitles, read_titles
from components.feedback.writing import vocabulary
from pnfrec_core.errors import FeedbackError


def test_counts_of_shards_are_summed() -> None:
    merged = vocabulary.merge_counts(
        [
            (pa.array(["b", "a"]), {"count": np.array([1, 2]), "other": np.array([0, 5])}),
            (pa.array([], pa.string()), {"count": np.array([], np.int64), "other": np.array([], np.int64)}),
            (pa.array(["b", "c"]), {"count": np.array([10, 3]), "other": np.array([1, 0])}),
        ]
    )
    assert merged.to_pydict() == {"item": ["a", "b", "c"], "count": [2, 11, 3], "other": [5, 1, 0]}


def test_equal_counts_go_by_code_points() -> None:
    """Python compares strings by code points; UTF-16 would put the emoji before the full-width letter."""
    ids = ["b", "Z", "é", "a", "\uff21", "\U0001f3ac", "10", "9", ""]
    table = pa.table({"item": ids, "count": [1] * len(ids)})
    assert vocabulary.by_popularity(table).column("item").to_pylist() == sorted(ids)
    more = pa.table({"item": ["a", "b", "c"], "count": [1, 3, 1]})
    assert vocabulary.by_popularity(more).column("item").to_pylist() == ["b", "a", "c"]


def test_lines() -> None:
    ids, counts = pa.array(["ü", 'q"']), pa.array([5, 1])
    lines = list(vocabulary.vocabulary_lines(ids, counts, {"positive_count": {"ü": 4}}, {'q"': "Title\u2028 (2000)"}))
    assert [json.loads(line) for line in lines] == [
        {"item_id": "ü", "count": 5, "positive_count": 4},
        {"item_id": 'q"', "count": 1, "positive_count": 0, "title": "Title\u2028 (2000)"},
    ]
    assert lines[0] == '{"item_id": "ü", "count": 5, "positive_count": 4}\n'


def titles_of(folder: Path, name: str, **settings: Any) -> dict[str, str]:
    return read_titles(FeedbackConfig(files=["-"], base=str(folder), titles=TitlesConfig(name, **settings))).of_item


def test_titles_of_csv(tmp_path: Path) -> None:
    text = 'title,item,genres\n"Good, the Bad, The (1966)",01,x\nSecond,01,x\n,02,x\nÜber,003,"a\nb"\nNobody,,x\n'
    (tmp_path / "movies.csv").write_text(text, encoding="utf-8")
    assert titles_of(tmp_path, "movies.csv") == {"01": "Good, the Bad, The (1966)", "003": "Über"}
    assert titles_of(tmp_path, "movies.csv", title="item")["003"] == "003"


def test_titles_of_a_dat_file_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_text('01::"A": B, C (2000)::x|y\n', encoding="utf-8")
    assert titles_of(tmp_path, "movies.dat", names=["item", "title", "genres"]) == {"01": '"A": B, C (2000)'}


def test_titles_with_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "movies.tsv").write_text("item\ttitle\n1\tA, B\n", encoding="utf-8")
    assert titles_of(tmp_path, "movies.tsv", delimiter="\t") == {"1": "A, B"}


def test_titles_of_parquet(tmp_path: Path) -> None:
    columns = {"id": pa.array([1, 2, 3]), "name": pa.array(["A", None, "C"])}
    pq.write_table(pa.table(columns), tmp_path / "movies.parquet", row_group_size=1)
    assert titles_of(tmp_path, "movies.parquet", item="id", title="name") == {"1": "A", "3": "C"}


def test_a_broken_row_of_titles(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("item,title\n1,A, B\n2,C\n")
    with pytest.raises(FeedbackError) as caught:
        titles_of(tmp_path, "movies.csv")
    assert str(caught.value) == (
        f"{tmp_path}/movies.csv, line 2, expected 2 fields, found 3: '1,A, B'. Correct the row, or set "
        "`feedback.bad_rows: drop`."
    )
    config = FeedbackConfig(files=["-"], base=str(tmp_path), titles=TitlesConfig("movies.csv"), bad_rows="drop")
    assert read_titles(config) == ItemTitles({"2": "C"}, {}, 2, 1)


def test_no_titles() -> None:
    assert read_titles(FeedbackConfig(files=["-"])) == ItemTitles({}, {}, 0, 0)


def test_groups_of_csv(tmp_path: Path) -> None:
    text = "item,title,genre\n01,One,Drama\n01,One,Comedy\n02,Two,\n03,,Crime|Drama\n"
    (tmp_path / "movies.csv").write_text(text, encoding="utf-8")
    found = read_titles(
        FeedbackConfig(files=["-"], base=str(tmp_path), titles=TitlesConfig("movies.csv", group="genre"))
    )
    # The first of an item counts, an empty cell is none, and a cell is one group.
    assert found.group_of == {"01": "Drama", "03": "Crime|Drama"}
    assert found.of_item == {"01": "One", "02": "Two"}
    ids, counts = pa.array(["03", "02"]), pa.array([2, 1])
    lines = vocabulary.vocabulary_lines(ids, counts, {}, found.of_item, found.group_of)
    assert [json.loads(line) for line in lines] == [
        {"item_id": "03", "count": 2, "group": "Crime|Drama"},
        {"item_id": "02", "count": 1, "title": "Two"},
    ]


def test_a_column_of_groups_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("item,title\n01,One\n")
    config = FeedbackConfig(files=["-"], base=str(tmp_path), titles=TitlesConfig("movies.csv", group="genre"))
    with pytest.raises(FeedbackError, match="genre"):
        read_titles(config)


def test_groups_and_titles_have_one_text_form_whatever_they_are_stored_as(tmp_path: Path) -> None:
    """Else the cap of a group counts "a" and "a " apart, and all items without one as the group "nan"."""
    columns = {
        "item": pa.array(["1", "2", "3", "4"]),
        "title": pa.array([1984.0, 1.5, float("nan"), None]),
        "group": pa.array([3.0, float("nan"), 3.0, None]),
        "genre": pa.array(["a", " a ", "", " "]),
    }
    pq.write_table(pa.table(columns), tmp_path / "movies.parquet")
    found = {}
    for group in ("group", "genre"):
        titles = TitlesConfig("movies.parquet", group=group)
        found[group] = read_titles(FeedbackConfig(files=["-"], base=str(tmp_path), titles=titles))
    assert found["group"].of_item == {"1": "1984", "2": "1.5"}
    assert found["group"].group_of == {"1": "3", "3": "3"}
    assert found["genre"].group_of == {"1": "a", "2": "a"}
