"""A model that people have marked as bad is no baseline, whatever number it was pushed under."""

import logging
import shutil
from pathlib import Path

import pytest

from components.gate.last_blessed import LastBlessedOtherModel
from pnfrec_core import marking, model_marks, schema
from pnfrec_core.model_marks import MarksError
from tests.components.gate.test_last_blessed import Store, blessing, model, write_export


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Models 1, 2 and 3, each of its own weights; 1 and 2 were pushed as 101 and 102."""
    for number in (1, 2, 3):
        write_export(tmp_path, None, schema.OUTPUT_RANK, number=number)
        folder = tmp_path / str(number) / "Format-Serving"
        (folder / "variables" / "variables.data").write_text(f"weights {number}")
        if number < 3:
            version = tmp_path / "serving" / str(100 + number)
            shutil.copytree(folder, version)
            # As the Pusher does, beside the model.
            (version / "assets.extra" / "run.yaml").write_text("run")
            (version / "assets.extra" / "model_card.md").write_text("card")
    return tmp_path


def baseline(root: Path, serving: str) -> tuple[list[int], list[int]]:
    """The models 1 and 2 were blessed in this order, 3 is judged: the baseline, and what is told to be gone."""
    store = Store()
    models = [model(number) for number in (1, 2, 3)]
    for each in models:
        each.uri = f"{root}/{each.id}"
    blessings = [blessing(store.evaluate(), number, blessed=True) for number in (1, 2, 2)]
    inputs = {"model": models, "model_blessing": blessings, "candidate": [models[2]]}
    found = LastBlessedOtherModel(serving=serving).resolve_artifacts(store.store, inputs)
    assert found is not None
    return [each.id for each in found["model"]], [each.id for each in found["gone"]]


def test_the_model_blessed_before_the_bad_one_is_taken(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    serving = str(root / "serving")
    assert baseline(root, serving) == ([2], [])
    marking.rollback(serving, 102, "lists of one genre")
    with caplog.at_level(logging.WARNING):
        assert baseline(root, serving) == ([1], [])
    (told,) = (record for record in caplog.records if "is no baseline" in record.getMessage())
    assert "version 102 is no baseline, since it was marked as bad" in told.getMessage()
    assert "lists of one genre" in told.getMessage()
    marking.unmark(serving, 102)
    assert baseline(root, serving) == ([2], [])


def test_a_bad_model_is_no_baseline_though_its_version_is_gone(root: Path) -> None:
    serving = root / "serving"
    marking.rollback(serving, 102, "bad")
    shutil.rmtree(serving / "102")
    assert baseline(root, str(serving)) == ([1], [])


def test_damaged_marks_stop_the_gate(root: Path) -> None:
    model_marks.marks_file(root / "serving").write_text("{")
    with pytest.raises(MarksError, match="are damaged"):
        baseline(root, str(root / "serving"))
    assert baseline(root, "") == ([2], [])
