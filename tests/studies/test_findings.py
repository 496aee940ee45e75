"""What the documents say was found is what is stored."""

import re
from collections.abc import Iterator
from pathlib import Path

from studies.results import summary
from studies.results.chance import may_be_chance

ROOT = Path(__file__).parents[2]
NUMBER = r"([+-]?\d\.\d{4})"
# A difference, the mark of what chance of training may have made, and its interval.
INTERVAL = re.compile(rf"{NUMBER}(°?) \[{NUMBER}, {NUMBER}\]")

Said = tuple[str, str, str, bool]


def text(value: float) -> str:
    return f"{value:.4f}".replace("-0.0000", "0.0000")


def stored_intervals() -> Iterator[Said]:
    """Of all stored studies, and with the other sign: a text may say that something is lowered by so much."""
    for path in (ROOT / "docs" / "results").glob("*/*/summary.json"):
        for view in summary.read(path).comparisons():
            for arm in view.others:
                for measure, (value, low, high) in arm.against.items():
                    chance = may_be_chance(view, arm, measure)
                    yield text(value), text(low), text(high), chance
                    yield text(-value), text(-high), text(-low), chance


def said_intervals(document: str) -> Iterator[Said]:
    for value, mark, low, high in INTERVAL.findall(" ".join(document.split())):
        yield text(float(value)), text(float(low)), text(float(high)), mark == "°"


def test_every_interval_that_is_told_is_stored() -> None:
    stored = set(stored_intervals())
    assert len(stored) > 1000
    written = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for path in written:
        if path.name == "results.md":  # made of what is stored
            continue
        name, document = path.name, path.read_text(encoding="utf-8")
        said = list(said_intervals(document))
        brackets = document.count("[-0.") + document.count("[0.")
        assert len(said) == brackets, f"{name}: an interval has no difference before it"
        missing = [interval for interval in said if interval not in stored]
        assert not missing, (
            f"{name} tells what no stored study has: {missing}. Write what `pnfrec results` stored, and ° where its "
            "tables have it (True here)."
        )


def test_an_interval_may_stand_over_two_lines() -> None:
    document = "NDCG_n falls by\n0.0105° [-0.0078,\n0.0136], and HR_n +0.0188 [0.0137, 0.0246]."
    assert list(said_intervals(document)) == [
        ("0.0105", "-0.0078", "0.0136", True),
        ("0.0188", "0.0137", "0.0246", False),
    ]
