"""Which names are versions, and which version comes next."""

import pytest

from pnfrec_core.versions import GREATEST, NoVersionLeftError, by_version, next_version, version_of


@pytest.mark.parametrize(
    ("name", "version"),
    [
        *[("0", 0), ("7", 7), ("007", 7), ("1795898744000", 1_795_898_744_000)],
        *[(str(GREATEST), GREATEST), ("0" + str(GREATEST), GREATEST), (str(GREATEST + 1), None), ("9" * 200, None)],
        # Digits of other scripts, a superscript, signs, blanks and whatever else `int` would take.
        *[("٣", None), ("\uff11", None), ("¹", None), ("-1", None), ("+1", None), (" 1", None), ("1_000", None)],
        *[("", None), ("1.0", None), ("1e3", None), ("0x1", None), ("latest", None), ("11.tmp", None), (".1", None)],
    ],
)
def test_a_version_is_digits_within_64_bits(name: str, version: int | None) -> None:
    assert version_of(name) == version


def test_of_names_of_one_version_the_shorter_stands() -> None:
    for names in (["007", "7", "07"], ["7", "07", "007"]):
        assert by_version([*names, "x", "٣", "12"]) == {7: "7", 12: "12"}
    assert by_version([]) == {}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], 100),
        (["99", "new", "٩٩٩"], 100),
        (["100"], 101),
        (["0100"], 101),
        (["5", "1795898744000"], 1_795_898_744_001),
        ([str(GREATEST - 1)], GREATEST),
        ([str(GREATEST + 1)], 100),
    ],
)
def test_the_next_version_is_now_or_above_all(names: list[str], expected: int) -> None:
    assert next_version("serving", names, 100) == expected


def test_above_the_greatest_version_there_is_none() -> None:
    name = f"0{GREATEST}"
    with pytest.raises(NoVersionLeftError, match=f"serving holds the version {name}, the greatest .* Move that folder"):
        next_version("serving", ["5", name], 100)
