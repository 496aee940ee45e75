"""Settings as commented YAML."""

import dataclasses

import yaml

from pnfrec_core.settings.commented import WIDTH, write_defaults, write_resolved
from pnfrec_core.settings.fields import CHOICES, EXAMPLE
from pnfrec_core.settings.keys import tree_of


@dataclasses.dataclass(frozen=True)
class Range:
    """A range.

    Attributes:
        low: Its lower end.
        high: Its upper end.
    """

    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine.

    It obeys

        force = mass * acceleration

    and nobody else.

    Attributes:
        power: What it has to give, in a sentence that is so long that it has to be broken somewhere before
            its very end.
        heat: In degrees.
        oil: Between two marks.
    """

    power: int = 3
    heat: Range | None = dataclasses.field(default_factory=lambda: Range(low=1.0))
    oil: Range | None = None


@dataclasses.dataclass(frozen=True)
class Car:
    """A car.

    Attributes:
        name: Of the owner.
        wheels: In order.
        fuel: To burn.
        trips: Each by name.
    """

    name: str = dataclasses.field(metadata={EXAMPLE: "Ada"})
    trips: dict[str, Range] = dataclasses.field(metadata={EXAMPLE: {"home": Range(high=2.0)}})
    engine: Engine = dataclasses.field(default_factory=Engine)
    wheels: list[str] = dataclasses.field(default_factory=lambda: ["left", "right"])
    fuel: str = dataclasses.field(default="oil", metadata={CHOICES: lambda: {"oil": "Is black.", "gas": "Is not."}})


DEFAULTS = """\
# Of the owner.
name: Ada  # required; text

# Each by name.
# Each of them has the keys:
#   low (number or null; default null): Its lower end.
#   high (number or null; default null): Its upper end.
trips:  # required; names, each with keys
  home: {high: 2.0}

# In order.
wheels: [left, right]  # list of texts

# To burn.
#   oil: Is black.
#   gas: Is not.
fuel: oil  # one of oil, gas

# An engine.
#
# It obeys
#
#     force = mass * acceleration
#
# and nobody else.
engine:
  # What it has to give, in a sentence that is so long that it has to be broken somewhere before its
  # very end.
  power: 3  # whole number
  # In degrees.
  # The keys are those of `trips`.
  heat: {low: 1.0}  # keys or null
  # Between two marks.
  # The keys are those of `trips`.
  oil: null  # keys or null
"""

RESOLVED = """\
name: Bo  # required
trips:  # required
  away: {low: 1.0}
  home: {}
wheels: [left, right]
fuel: oil

engine:
  power: 5  # default: 3
  heat: null  # default: {low: 1.0}
  oil: null
"""


def test_each_key_has_its_meaning_and_its_default() -> None:
    assert write_defaults(tree_of(Car)) == DEFAULTS
    assert yaml.safe_load(DEFAULTS)["engine"] == {"power": 3, "heat": {"low": 1.0}, "oil": None}


def test_a_key_alone_stays_in_its_section() -> None:
    expected = DEFAULTS[DEFAULTS.index("# An engine.") : DEFAULTS.index("  # In degrees.")]
    assert write_defaults(tree_of(Car).only("engine.power")) == expected


def test_resolved_settings_show_the_default_beside_what_differs() -> None:
    car = Car("Bo", {"away": Range(low=1.0), "home": Range()}, Engine(power=5, heat=None))
    text = write_resolved(tree_of(Car), car)
    assert text == RESOLVED
    assert yaml.safe_load(text)["trips"] == {"away": {"low": 1.0}, "home": {}}


def test_long_lines_are_broken_and_still_load() -> None:
    wheels = [f"wheel number {number}" for number in range(12)]
    text = write_resolved(tree_of(Car), Car("Bo", {}, wheels=wheels))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert yaml.safe_load(text)["wheels"] == wheels
    assert "wheels:  # default: [left, right]\n- wheel number 0\n" in text


def test_a_note_that_does_not_fit_beside_a_value_stands_above_it() -> None:
    car = Car("Bo", {}, wheels=["x" * 80])
    assert f"# Default: [left, right].\nwheels: [{'x' * 80}]\n" in write_resolved(tree_of(Car), car)
