"""What is said of ids that seem to mean the same, or nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import TitlesConfig
from components.feedback.plausibility import observed
from components.feedback.plausibility.limits import LimitsConfig
from pnfrec_core import schema
from tests.components.feedback.plausibility.test_findings import finding, rows, statistics_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("i1", "I1"), ("a b", "ab"), ("7", "007"), ("é", "e\u0301"), ("28", "28.0"), ("\uff21", "a"), ("AB", "Ab")),
        # A mark of byte order, a zero-width space, a direction of writing, NUL, and blanks that are not ASCII.
        *(("7", "\ufeff7"), ("ab", "a\u200bb"), ("ab", "\u202eab"), ("7", "7\0"), ("ab", "a\u2003b")),
        # Quotes of another kind than CSV's, and what `str` makes of bytes.
        *(("7", "'7'"), ("7", "b'7'"), ("ab", '"ab"')),
    ],
)
def test_ids_that_mean_the_same_to_a_reader(tmp_path: Path, one: str, other: str) -> None:
    for column, name in (("item", "item_forms"), ("user", "user_forms")):
        table = rows()
        for n, row in enumerate(table):
            if row[column] in ("i5", "u5"):
                row[column] = one if n % 2 else other
        found = finding(statistics_of(tmp_path, table), name)
        assert found["above"], name
        assert f"(for example {' and '.join(sorted((repr(one), repr(other))))})" in found["sentence"]


def test_how_many_ids_mean_the_same_is_counted_whatever_the_shards(tmp_path: Path) -> None:
    """Three ways to write one id are two too many, of users and of items."""
    writings = {"u5": ("AB", "Ab", "ab"), "i5": ("XY", "xY", "xy")}
    table = [
        {**row, **{name: writings[row[name]][n % 3] for name in ("user", "item") if row[name] in writings}}
        for n, row in enumerate(rows())
    ]
    for shards in (1, 3):
        statistics = statistics_of(tmp_path, table, shards=shards)
        assert [finding(statistics, name)["number"] for name in ("user_forms", "item_forms")] == [2, 2]


def test_ids_that_were_not_compared_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "MOST_FORMS", 2)
    table = [{**row, "user": row["user"].upper()} for row in rows()]
    sentence = finding(statistics_of(tmp_path, table, shards=1), "user_forms")["sentence"]
    assert sentence.endswith("18 ids that are not in their plainest form were not compared.")


@pytest.mark.parametrize("word", ["nan", "None", "NULL", "<NA>", "NaT", "\\N"])
@pytest.mark.parametrize(("column", "name"), [("user", "missing_users"), ("item", "missing_items")])
def test_a_word_for_no_value_is_no_id(tmp_path: Path, column: str, name: str, word: str) -> None:
    table = rows()
    for row in table[:7]:
        row[column] = word
    statistics = statistics_of(tmp_path, table)
    found = finding(statistics, name)
    assert found["sentence"].startswith(f"7 of 400 rows have a word for no value as the id of their {column} (for")
    assert repr(word) in found["sentence"]
    assert [each for each in statistics["warnings"] if found["remedy"] in each]
    assert not finding(statistics_of(tmp_path, table, limits=LimitsConfig(missing_ids=0.1)), name)["above"]


def test_blanks_around_ids_are_no_part_of_them(tmp_path: Path) -> None:
    table = [{**row, "item": f" {row['item']}" if n % 2 else f"{row['item']}\t"} for n, row in enumerate(rows())]
    statistics = statistics_of(tmp_path, table)
    assert statistics["items"]["read"] == 20
    assert finding(statistics, "item_forms")["number"] == 0


def of_titles(tmp_path: Path, content: bytes, encoding: str = "utf-8") -> tuple[dict[str, Any], dict[str, Any]]:
    """The account, and what the vocabulary says of item i1."""
    (tmp_path / "titles.csv").write_bytes(content)
    titles = TitlesConfig("titles.csv", group="group", encoding=encoding)
    statistics = statistics_of(tmp_path, rows(), titles=titles)
    lines = (tmp_path / "output" / "vocabulary" / schema.VOCABULARY_FILE).read_text().splitlines()
    known = {entry[schema.VOCABULARY_ID]: entry for entry in map(json.loads, lines)}
    return statistics, known["i1"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_titles_of_another_encoding_are_told_with_the_setting_that_reads_them(tmp_path: Path, encoding: str) -> None:
    content = "item,title,group\ni1,Amélie,Café\ni2,Two,Cafê\ni3,Three,C\n".encode(encoding)
    statistics, found = of_titles(tmp_path, content)
    told = finding(statistics, "titles_undecoded")
    assert told["above"]
    assert told["sentence"] == (
        "2 of 3 items have a title or a group that is no utf-8 text (for example 'Am\ufffdlie' of item 'i1')."
    )
    assert "`feedback.titles.encoding`" in told["remedy"]
    statistics, found = of_titles(tmp_path, content, encoding=encoding)
    assert finding(statistics, "titles_undecoded")["number"] == 0
    assert (found[schema.VOCABULARY_TITLE], found[schema.VOCABULARY_GROUP]) == ("Amélie", "Café")


@pytest.mark.parametrize("encoding", ["utf-16", "none", "", "cp037", "base64"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match=r"`feedback.titles.encoding`: .*cp1252 or latin-1"):
        TitlesConfig("titles.csv", encoding=encoding)


def test_items_of_several_titles_or_groups_are_told(tmp_path: Path) -> None:
    statistics, found = of_titles(
        tmp_path, b"item,title,group\ni1,One,A\ni1,One,B\ni2,Two,A\ni2,Two,A\ni3,3,\ni3,3,C\n"
    )
    told = finding(statistics, "titles_several")
    assert told["sentence"] == (
        "1 of 3 items have several titles or groups (for example 'B' of item 'i1'); the first counts."
    )
    assert told["above"]
    assert found[schema.VOCABULARY_GROUP] == "A"
