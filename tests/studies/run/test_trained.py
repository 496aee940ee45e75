"""How a training is kept to itself and timed; what it trains is tested with the study."""

import threading
import time
from pathlib import Path

import pytest

from studies.run import trained


def test_who_trains_the_same_waits(tmp_path: Path) -> None:
    events: list[str] = []

    def second() -> None:
        with trained._alone(tmp_path / "model"):
            events.append("second in")

    other = threading.Thread(target=second)
    with trained._alone(tmp_path / "model"), trained._alone(tmp_path / "another"):
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive(), "it waits"
        events.append("first out")
    other.join(timeout=120)
    assert events == ["first out", "second in"]


def test_seconds_before_a_cut_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    said: list[tuple[int, dict[str, float]]] = []
    first = trained._Clock(tmp_path / "seconds", lambda *each: said.append(each))
    now[0] = 107.0
    first(1, {"loss": 2.0})
    now[0] = 109.0  # of an epoch that is cut off, and trained again
    again = trained._Clock(tmp_path / "seconds", lambda *each: said.append(each))
    now[0] = 112.0
    again(2, {"loss": 1.0})
    assert again.seconds() == 10.0
    assert said == [(1, {"loss": 2.0}), (2, {"loss": 1.0})]
    assert [path.name for path in tmp_path.iterdir()] == ["seconds"]
