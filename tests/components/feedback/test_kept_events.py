"""Events whose rows are kept from run to run: the same bytes, wherever an event stands and whatever it means."""

from pathlib import Path

import pytest

from components.feedback.config import EventConfig
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.run import generate
from tests.components.feedback.test_events import DISLIKES, LIKES, UNDO, config, write
from tests.components.feedback.test_keep_read import files_of

pytestmark = pytest.mark.tensorflow

LIKED_TOO = EventConfig("dislikes", ["dislikes.parquet"], "like")


def test_kept_rows_of_events_make_the_same_bytes(tmp_path: Path) -> None:
    write(
        tmp_path,
        likes=[("u", "a", 5), ("u", "b", 20), ("v", "x", 1), ("v", "c", 2)],
        dislikes=[("u", "a", 1), ("u", "x", 3), ("v", "a", 4), ("v", "z", 8)],
        undislikes=[("u", "x", 10), ("v", "z", 9)],
    )
    made = {}
    # First and second run, in another order, and with another meaning: what was kept of one is right for the other.
    orders = {"first": (LIKES, DISLIKES, UNDO), "again": (LIKES, DISLIKES, UNDO), "other": (DISLIKES, UNDO, LIKES)}
    for name, events in {**orders, "meaning": (LIKES, LIKED_TOO, UNDO)}.items():
        for mode in ("always", "never"):
            keep = KeepReadConfig(mode, str(tmp_path / "kept"))  # type: ignore[arg-type]
            output = tmp_path / f"{name}-{mode}"
            generate(config(tmp_path, *events, keep_read=keep), output)
            made[name, mode] = files_of(output)
        assert made[name, "always"] == made[name, "never"]
    assert made["first", "always"] == made["again", "always"] != made["meaning", "always"]
    # Three files, one of them read with two meanings.
    assert len(list((tmp_path / "kept").iterdir())) == 4
