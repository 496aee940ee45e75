import json
from pathlib import Path

import pytest

from serving.titles import ItemLookupError, Titles, UnknownItemError, items_file, read_titles

CATALOGUE = {
    "10": "Inception (2010)",
    "11": "The Matrix (1999)",
    "12": "The Matrix Reloaded (2003)",
    "13": "Alien (1979)",
    "14": "Solaris (1972)",
    "15": "Solaris (2002)",
    "16": "Alien 3 (1992)",
    "17": "",
    "18": "11",
    "19": "Twins (1988)",
    "20": "Twins (1988)",
    "21": "Amélie (2001)",
}
TITLES = Titles(CATALOGUE, Path("items.jsonl"))


@pytest.mark.parametrize(
    ("text", "item_id"),
    [
        ("10", "10"),
        ("Inception (2010)", "10"),
        ("inception (2010)", "10"),
        ("  INCEPTION ", "10"),
        ("incep", "10"),
        # The id comes before the title: "11" is the title of 18.
        ("11", "11"),
        # "The Matrix" without its year is one film, though two titles begin so.
        ("the matrix", "11"),
        ("the matrix r", "12"),
        ("alien", "13"),
        ("solaris (2002)", "15"),
        ("17", "17"),
        ("AMÉLIE", "21"),
    ],
)
def test_ids_and_titles_are_found(text: str, item_id: str) -> None:
    assert TITLES.resolve(text) == item_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "solaris",
            "'solaris' names 2 items: Solaris (1972) [14], Solaris (2002) [15]. Give the full title or the id.",
        ),
        (
            "Twins (1988)",
            "'Twins (1988)' names 2 items: Twins (1988) [19], Twins (1988) [20]. Give the full title or the id.",
        ),
        (
            "al",
            "'al' names 2 items: Alien (1979) [13], Alien 3 (1992) [16]. Give the full title or the id.",
        ),
    ],
)
def test_an_ambiguous_word_lists_its_candidates(text: str, message: str) -> None:
    with pytest.raises(ItemLookupError) as caught:
        TITLES.resolve(text)
    assert str(caught.value) == message
    assert not isinstance(caught.value, UnknownItemError)


def test_many_candidates_are_cut() -> None:
    many = Titles({str(number): f"Part {number}" for number in range(11)}, Path("x"))
    with pytest.raises(ItemLookupError, match=r"names 11 items: Part 0 \[0\], .*Part 7 \[7\], and 3 more\."):
        many.resolve("part")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Inceptoin",
            "'Inceptoin' is neither an id nor a title among the 12 items of items.jsonl. Close: Inception (2010) [10].",
        ),
        ("zzzz", "'zzzz' is neither an id nor a title among the 12 items of items.jsonl."),
        # An item without a title is not found by nothing.
        ("", "'' is neither an id nor a title among the 12 items of items.jsonl."),
    ],
)
def test_an_unknown_word_names_the_closest_titles(text: str, message: str) -> None:
    with pytest.raises(UnknownItemError) as caught:
        TITLES.resolve(text)
    assert str(caught.value) == message


def test_a_catalogue_is_read(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    rows = [
        {"item_id": "2", "count": 3, "positive_count": 1, "title": "Zwei ½"},
        {"item_id": "1", "count": 1, "positive_count": 1},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    titles = read_titles(path)
    assert dict(titles.titles) == {"2": "Zwei ½", "1": ""}
    assert (len(titles), "2" in titles, "3" in titles, titles.title("2"), titles.title("3")) == (
        2,
        True,
        False,
        "Zwei ½",
        "",
    )


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"id": "1"}', '"text"'])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id": "1"}\n' + line + "\n")
    with pytest.raises(ValueError, match=r"items\.jsonl, line 2: expected a JSON object with `item_id`\. Received: "):
        read_titles(path)


def version(base: Path, name: str, *files: str) -> None:
    for file in files:
        path = base / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_the_catalogue_of_a_version_is_found(tmp_path: Path) -> None:
    version(tmp_path, "9", "saved_model.pb", "assets.extra/items.jsonl")
    version(tmp_path, "10", "saved_model.pb", "assets.extra/items.jsonl")
    version(tmp_path, "11", "assets.extra/items.jsonl")
    assert items_file(tmp_path) == tmp_path / "10" / "assets.extra" / "items.jsonl"
    assert items_file(tmp_path, 9) == tmp_path / "9" / "assets.extra" / "items.jsonl"


def test_a_missing_version_or_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no version with a saved_model\.pb. Versions there: none\."):
        items_file(tmp_path)
    version(tmp_path, "3", "saved_model.pb")
    with pytest.raises(FileNotFoundError, match=r"holds no version 4 with a saved_model\.pb. Versions there: 3\."):
        items_file(tmp_path, 4)
    with pytest.raises(FileNotFoundError, match=r"items\.jsonl is missing, so there are no titles"):
        items_file(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no version with"):
        items_file(tmp_path / "absent")
