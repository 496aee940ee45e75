"""Small stands-in for artifacts of models and blessings."""

from pathlib import Path

from pnfrec_core import schema
from pnfrec_keras.export.ranking import Ranking
from tests.components.gate.test_last_blessed import write_export


def write_model(place: Path, number: int, k: int = 10) -> Path:
    """What a baseline is chosen by of a `Model` artifact; another number is another model."""
    ranking = Ranking("like_rate", 0.0, 0.0, k, asks_dislikes=False)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_export(
        place.parent, ranking, schema.OUTPUT_DEFAULT_RANK, number=int(place.name) if place.name.isdigit() else 0
    )
    if not place.name.isdigit():
        (place.parent / "0").rename(place)
    (place / "Format-Serving" / "variables" / "variables.data").write_text(str(number), encoding="utf-8")
    return place


def write_blessing(place: Path, name: str = "BLESSED") -> Path:
    place.mkdir(parents=True)
    (place / name).touch()
    return place
