"""The command of TFX itself."""

import os
import subprocess
from pathlib import Path

import pytest

from pipeline import local_runner
from tests.e2e.command import BIN, versions
from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e


def test_the_tfx_command_creates_and_runs_the_pipeline(tmp_path: Path, warm_python: str) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    # What a user's own folder may hold.
    for name in ("pipeline", "serving", "studies", "components"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the working folder was imported from')")
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PNFREC_CONFIG": str(config),
        "LOCAL_HOME": str(tmp_path / "tfx"),
        "HOME": str(tmp_path),
        "PYTHONPATH": f":{os.environ.get('PYTHONPATH', '')}",
    }

    def tfx(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [warm_python, str(BIN / "tfx"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=800, env=environment, cwd=tmp_path
        )

    runner = Path(local_runner.__file__)
    created = tfx("pipeline", "create", "--engine", "local", "--pipeline_path", str(runner))
    assert created.returncode == 0, created.stdout + created.stderr
    assert 'Pipeline "tiny" created successfully.' in created.stdout
    assert not versions(tmp_path), "creating runs nothing"
    done = tfx("run", "create", "--engine", "local", "--pipeline_name", "tiny")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert len(versions(tmp_path)) == 1
