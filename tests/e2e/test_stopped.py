"""Runs that stop with one sentence."""

from pathlib import Path

import pytest

from tests.e2e.command import Command, versions
from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e


def test_two_runs_do_not_share_an_output(pnfrec: Command, tmp_path: Path) -> None:
    import fcntl

    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = pnfrec.run(config)
    assert second.returncode == 1
    assert f"Another run is working in {tmp_path / 'out'}" in second.stderr


def test_bad_input_stops_with_one_sentence(pnfrec: Command, tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    text = (tmp_path / "ratings.csv").read_text().splitlines()
    text[5] = "u000,i04,seven,500"
    (tmp_path / "ratings.csv").write_text("\n".join(text) + "\n")
    stopped = pnfrec.run(write_config(tmp_path))
    assert stopped.returncode == 1
    assert f"FAILED: {tmp_path}/ratings.csv, line 6, column 'value': expected a finite number, found 'seven'" in (
        stopped.stderr
    )
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in stopped.stdout + stopped.stderr
    assert not versions(tmp_path)
