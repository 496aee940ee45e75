"""A node is recorded as complete after its files are on the disk."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import durable

pytestmark = pytest.mark.tensorflow


def test_outputs_are_on_the_disk_before_the_node_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tfx.orchestration.portable.launcher import Launcher

    told: list[str] = []
    (tmp_path / "examples").mkdir()

    def run(_: Any, info: Any) -> str:
        told.append("runs")
        return str(info.execution_id)

    monkeypatch.setattr(Launcher, "_run_executor", run)
    monkeypatch.setattr(durable, "sync_tree", lambda folder: told.append(f"syncs {Path(folder).name}"))
    outputs = {"examples": [tmp_path / "examples"], "nothing": [tmp_path / "nothing"]}
    info = SimpleNamespace(
        execution_id=7,
        output_dict={name: [SimpleNamespace(uri=str(each)) for each in places] for name, places in outputs.items()},
    )
    with durable.nodes():
        assert Launcher._run_executor(None, info) == "7"
    assert told == ["runs", "syncs examples"]
    assert Launcher._run_executor is run


def test_it_is_the_step_of_the_launcher_before_the_record() -> None:
    """TFX has to have it, and to call it: `launch` publishes what it gives back."""
    from tfx.orchestration.portable.launcher import Launcher

    assert "_run_executor" in Launcher.launch.__code__.co_names
    assert "_publish_successful_execution" in Launcher.launch.__code__.co_names
