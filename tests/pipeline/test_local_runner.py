"""The process that runs the pipeline: what it makes sure of before anything runs."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline import local_runner
from pipeline.local_runner import die_with_parent
from tests.pipeline.world import write_config, write_feedback


def test_a_run_on_damaged_metadata_fails_before_tfx_is_imported(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metadata.sqlite").write_text("garbage")
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(config)]
    failed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert failed.returncode == 1
    assert f"FAILED: {tmp_path / 'out' / 'metadata.sqlite'}: the record of earlier runs is damaged" in failed.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["metadata.sqlite"]


def test_without_the_command_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(local_runner.LIFELINE_FD, raising=False)
    before = threading.active_count()
    die_with_parent()
    assert threading.active_count() == before
