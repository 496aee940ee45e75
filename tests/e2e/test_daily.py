"""A broken day by `pnfrec daily`, as a scheduler calls it: it is refused before anything is trained."""

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline import run_record
from tests.e2e.command import INSTALLED
from tests.pipeline.world import write_config

pytestmark = pytest.mark.e2e
BEGIN, DAY, USERS, ITEMS = 1_700_000_000, 86_400, 90, 24


def write_day(folder: Path, day: int, scale: float = 1.0) -> None:
    """A file of one day: each user goes on along the ring of items, with likes at 9 and dislikes at 3."""
    random = np.random.default_rng(day)
    lines = ["user,item,value,timestamp"]
    for user in range(USERS):
        for step in range(3):
            item = (user + 3 * day + step) % ITEMS
            value = (9 if item % 2 == 0 or random.random() < 0.1 else 3) * scale
            lines.append(f"u{user:03},i{item:02},{value},{BEGIN + day * DAY + int(random.integers(80_000))}")
    (folder / f"{day:02}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_broken_day_is_refused_and_told(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    for day in range(12):
        write_day(tmp_path / "days", day, scale=0.1 if day == 11 else 1.0)
    feedback = {"files": ["days/*.csv"], "positive": 8, "drift": {"action": "stop"}}
    config = write_config(tmp_path, feedback=feedback)
    words = ["daily", "--config", str(config), "--on-refusal", shlex.join(["tee", str(tmp_path / "told")])]
    done = subprocess.run([*INSTALLED.program, *words], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 4, done.stdout + done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert (record["verdict"], record["node"], record["version"]) == ("refused_by_drift", "AnomalyGate", "")
    assert {"value_middle", "value_high", "likes"} <= {each["name"] for each in record["drift"]}
    assert "SequenceTrainer" not in record["nodes"]
    assert json.loads((tmp_path / "told").read_text()) == record
    assert run_record.read(tmp_path / "out") == [record]
    page = Path(record["pages"]["feedback"])
    assert str(page) in record["message"]
    assert 'class="above"' in page.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "serving").exists()
