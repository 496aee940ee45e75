"""The tree of keys that is read from dataclasses and their docstrings."""

import dataclasses
from typing import Literal

import pytest

from pnfrec_core.settings.docstrings import read_docstring
from pnfrec_core.settings.fields import CHOICES, EXAMPLE
from pnfrec_core.settings.keys import Key, Section, kind_of, plain, tree_of


@dataclasses.dataclass(frozen=True)
class Limit:
    """A limit.

    Attributes:
        low, high: An end
            of the limit.
    """

    low: float | None = None
    high: float = 1.0


@dataclasses.dataclass(frozen=True)
class Oven:
    """An oven.

    It is hot:

        heat = fire * time

    Attributes:
        mode: How it heats.

    Raises:
        ValueError: It is cold.
    """

    mode: Literal["top", "bottom"] = "top"


@dataclasses.dataclass(frozen=True)
class Kitchen:
    """A kitchen.

    Attributes:
        name: Of the cook.
        limits: Of each dish.
        tools: What lies about.
        door: May be shut.
    """

    name: str = dataclasses.field(metadata={EXAMPLE: "Ada"})
    limits: dict[str, Limit] = dataclasses.field(metadata={CHOICES: ("soup", "pie"), EXAMPLE: {"pie": Limit(low=0.5)}})
    oven: Oven = dataclasses.field(default_factory=Oven)
    tools: list[str] = dataclasses.field(default_factory=list, metadata={CHOICES: lambda: ("pan", "pot")})
    door: Limit | None = dataclasses.field(default_factory=lambda: Limit(low=0.1))


ENTRIES = {
    path: (
        Key(f"{path}.low", "number or null", "An end of the limit.", required=False, default=None),
        Key(f"{path}.high", "number", "An end of the limit.", required=False, default=1.0),
    )
    for path in ("limits", "door")
}
TREE = Section(
    "",
    "A kitchen.",
    (
        Key("name", "text", "Of the cook.", required=True, default="Ada"),
        Key(
            "limits",
            "names out of soup, pie, each with keys",
            "Of each dish.",
            required=True,
            default={"pie": {"low": 0.5}},
            entries=ENTRIES["limits"],
            named=True,
        ),
        Key("tools", "list of texts out of pan, pot", "What lies about.", required=False, default=[]),
        Key("door", "keys or null", "May be shut.", required=False, default={"low": 0.1}, entries=ENTRIES["door"]),
        Section(
            "oven",
            "An oven.\n\nIt is hot:\n\n    heat = fire * time",
            (Key("oven.mode", "one of top, bottom", "How it heats.", required=False, default="top"),),
        ),
    ),
)


def test_the_tree_of_a_dataclass_has_its_keys_and_then_its_sections() -> None:
    assert tree_of(Kitchen) == TREE


def test_what_follows_the_attributes_is_not_part_of_them() -> None:
    assert read_docstring(Oven)[1] == {"mode": "How it heats."}


def test_what_a_base_says_of_its_keys_holds_where_it_is_extended() -> None:
    @dataclasses.dataclass(frozen=True)
    class Wide(Limit):
        """A wide limit.

        Attributes:
            high: The upper end.
            width: Between them.
        """

        width: float = 0.0

    tree = tree_of(Wide)
    assert tree.meaning == "A wide limit."
    meanings = {key.name: key.meaning for key in tree.all_keys()}
    assert meanings == {"low": "An end of the limit.", "high": "The upper end.", "width": "Between them."}


def test_a_class_without_a_docstring_has_nothing_to_say() -> None:
    assert read_docstring(type("Bare", (), {})) == ("", {})


def test_one_key_or_one_section_can_be_chosen() -> None:
    assert TREE.only("tools").parts == (TREE.parts[2],)
    assert TREE.only("oven").parts == (TREE.parts[4],)
    assert TREE.only("oven.mode").parts == (TREE.parts[4],)
    assert [key.path for key in TREE.only("limits.pie.low").all_keys()] == ["limits"]
    assert [section.path for section in TREE.all_sections()] == ["", "oven"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("oven.mod", "There is no key `oven.mod`. Did you mean `oven.mode`?"),
        ("mode", "There is no key `mode`. Did you mean `oven.mode`?"),
        ("ovne", "There is no key `ovne`. Did you mean `oven`?"),
        ("zzzzzz", "There is no key `zzzzzz`."),
        ("name.first", "There is no key `name.first`. Did you mean `name`?"),
    ],
)
def test_a_key_that_does_not_exist_is_answered_with_the_nearest(path: str, message: str) -> None:
    with pytest.raises(LookupError) as caught:
        TREE.only(path)
    assert str(caught.value) == message


def test_values_become_plain_without_what_is_default() -> None:
    kitchen = Kitchen("Bo", {"soup": Limit(high=2.0), "pie": Limit()}, tools=["pan"])
    assert plain(kitchen) == {"name": "Bo", "limits": {"soup": {"high": 2.0}, "pie": {}}, "tools": ["pan"]}


def test_kinds_are_words() -> None:
    assert kind_of(int | Literal["a", "b"] | None) == "whole number, or one of a, b, or null"
    assert kind_of(list[float]) == "list of numbers"
    assert kind_of(dict[str, Limit]) == "names, each with keys"
    assert kind_of(str, ("x", "y")) == "one of x, y"
