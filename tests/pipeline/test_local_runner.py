"""The process that runs the pipeline: what it makes sure of before anything runs."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import local_runner, preflight, run
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


def test_settings_that_change_while_a_run_begins_are_not_half_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says where it looks, logs and serves by what it has read; its process would read something else."""
    write_feedback(tmp_path / "ratings.csv")
    looked = preflight.look

    def look(*arguments: Any) -> preflight.Preflight:
        found = looked(*arguments)
        write_config(tmp_path, output="elsewhere")
        return found

    monkeypatch.setattr(preflight, "look", look)
    config = write_config(tmp_path)
    result = CliRunner().invoke(run.run, ["--config", str(config)])
    assert result.exit_code == 1
    said = "the settings have changed since this run began, so that nothing has run. Run again."
    assert f"FAILED: {config}: {said}" in result.output
    assert not (tmp_path / "elsewhere").exists()


def test_overrides_stand_one_a_line_or_in_a_list() -> None:
    assert local_runner.overrides_in("") == []
    assert local_runner.overrides_in("query.k=3\n\nmodel.dim=8\n") == ["query.k=3", "model.dim=8"]
    assert local_runner.overrides_in('["query.positive=[a,\\n b]", "query.k=3"]') == [
        "query.positive=[a,\n b]",
        "query.k=3",
    ]


def test_without_the_command_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(local_runner.LIFELINE_FD, raising=False)
    before = threading.active_count()
    die_with_parent()
    assert threading.active_count() == before
