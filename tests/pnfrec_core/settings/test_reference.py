"""The reference of settings as Markdown."""

from pnfrec_core.settings.keys import Key, Section
from pnfrec_core.settings.reference import table_row, write_markdown

TREE = Section(
    "",
    "A car.",
    (
        Key("fuel", "one of oil, gas", "To burn.", required=False, default="oil", choices=(("oil", "Is black."),)),
        Key("name", "text", "Of the `a<b` owner, <b>.", required=True, default="Ada"),
        Key(
            "trips",
            "names, each with keys",
            "By name.",
            required=False,
            default={},
            entries=(Key("trips.low", "number", "Its end.", required=True, default=None),),
            named=True,
        ),
        Section(
            "engine",
            "An engine.\n\nIt obeys.",
            (
                Key("engine.power", "whole number", "What it has.", required=False, default=3),
                Section(
                    "engine.oil", "Oil.", (Key("engine.oil.old", "text", "Is it?", required=False, default="a|b"),)
                ),
            ),
        ),
    ),
)

EXPECTED = """\
# Car

A car.

| key | what it may be | default | meaning |
|---|---|---|---|
| `fuel` | one of oil, gas | `oil` | To burn. `oil`: Is black. |
| `name` | text | required, such as `Ada` | Of the `a<b` owner, &lt;b>. |
| `trips` | names, each with keys | `{}` | By name. |
| `trips.<name>.low` | number | required | Its end. |

## `engine`

An engine.

It obeys.

| key | what it may be | default | meaning |
|---|---|---|---|
| `engine.power` | whole number | `3` | What it has. |

### `engine.oil`

Oil.

| key | what it may be | default | meaning |
|---|---|---|---|
| `engine.oil.old` | text | `a\\|b` | Is it? |

"""


def test_a_section_is_a_table_of_its_keys() -> None:
    assert write_markdown(TREE, "Car") == EXPECTED


def test_a_row_shows_texts_as_they_are() -> None:
    assert table_row("a|b", "<c>", "`<d>`") == "| a\\|b | &lt;c> | `<d>` |"
