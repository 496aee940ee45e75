"""What the documents say was found is what is stored."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBER = r"([+-]?\d\.\d{4})"
# A difference, the mark of what chance of training may have made, and its interval.
INTERVAL = re.compile(rf"{NUMBER}°? \[{NUMBER}, {NUMBER}\]")


def text(value: float) -> str:
    return f"{value:.4f}".replace("-0.0000", "0.0000")


def stored_intervals() -> Iterator[tuple[str, ...]]:
    """Of all stored studies, and with the other sign: a text may say that something is lowered by so much."""
    for path in (ROOT / "docs" / "results").glob("*/*/summary.json"):
        for arm in json.loads(path.read_text(encoding="utf-8"))["arms"]:
            for value, low, high in itertools.chain(arm["against"].values(), arm.get("beside", {}).values()):
                yield text(value), text(low), text(high)
                yield text(-value), text(-high), text(-low)


def said_intervals(document: str) -> Iterator[tuple[str, ...]]:
    for found in INTERVAL.findall(" ".join(document.split())):
        yield tuple(text(float(number)) for number in found)


def test_every_interval_that_is_told_is_stored() -> None:
    stored = set(stored_intervals())
    assert len(stored) > 1000
    written = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for path in written:
        if path.name == "results.md":  # made of what is stored
            continue
        name, document = path.name, path.read_text(encoding="utf-8")
        said = list(said_intervals(document))
        brackets = document.count("[-0.") + document.count("[0.")
        assert len(said) == brackets, f"{name}: an interval has no difference before it"
        missing = [interval for interval in said if interval not in stored]
        assert not missing, f"{name} tells what no stored study has: {missing}. Write what `pnfrec results` stored."


def test_an_interval_may_stand_over_two_lines() -> None:
    document = "NDCG_n falls by\n0.0105° [-0.0078,\n0.0136], and HR_n +0.0188 [0.0137, 0.0246]."
    assert list(said_intervals(document)) == [("0.0105", "-0.0078", "0.0136"), ("0.0188", "0.0137", "0.0246")]
