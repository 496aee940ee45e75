"""What YAML 1.1 would read otherwise than people mean it."""

from typing import Any

import pytest

from pnfrec_core.settings.yaml_text import MisreadError, Scientific, parse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "010",
            r"^010 is to YAML the number 8, written in base 8. If it is text, .* put it in quotes: '010'",
        ),
        ("a: -0_17", r"^`a` in line 1: -0_17 is to YAML the number -15, written in base 8"),
        ("gap: 1:30", r"`gap` in line 1: 1:30 is to YAML the number 90, written in base 60"),
        ("a:\n  b: 1:30.5", r"`a.b` in line 2: 1:30.5 is to YAML the number 90.5, written in base 60"),
        ("ids: ['0068646', 0111161]", r"`ids` in line 1: 0111161 is to YAML the number 37489, .* in quotes: '0111161'"),
    ],
)
def test_numbers_in_other_bases_are_refused(text: str, message: str) -> None:
    with pytest.raises(MisreadError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'010'", "010"),
        ('"1:30"', "1:30"),
        ("0", 0),
        ("-1", -1),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("00.5", 0.5),
        ("0x10", 16),
        ("0b11", 3),
        ("08", "08"),
        ("12:30 is no number", "12:30 is no number"),
    ],
)
def test_other_numbers_and_text_are_what_they_were(text: str, value: Any) -> None:
    assert parse(text) == value


def test_who_changes_what_was_read_changes_it_for_nobody_else() -> None:
    text = "a: {b: [1, 2e-3]}\nc: &x [5]\nd: *x\n"
    read = parse(text)
    assert read == {"a": {"b": [1, "2e-3"]}, "c": [5], "d": [5]}
    assert read["c"] is read["d"]
    read["a"]["b"].append(7)
    read["c"].clear()
    again = parse(text)
    assert again == {"a": {"b": [1, "2e-3"]}, "c": [5], "d": [5]}
    assert isinstance(again["a"]["b"][1], Scientific)
    assert not isinstance(again["a"]["b"][0], str)
