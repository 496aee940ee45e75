"""A training inside TFX that begins with an earlier model."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.refit.training import read_judged
from components.trainer.executor import Executor
from components.warm.start import is_due, warm_start
from pnfrec_core import events
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.export.load import load_model
from tests.components.refit import test_executor as refit
from tests.components.trainer.test_trainer import SETTINGS, properties, write_artifacts

pytestmark = pytest.mark.tensorflow
WARM: dict[str, Any] = {"from_scratch_every": 3, "epochs": 1, "new_items": "users", "positions": True, "norms": True}
# So slow that a warm training stays where it begins.
STILL = {**SETTINGS["training"], "learning_rate": 1e-9}


def train(folder: Path, base: Path | None = None, **changes: Any) -> Path:
    folder.mkdir()
    inputs, outputs = write_artifacts(folder)
    if base is not None:
        inputs["base_model"] = [standard_artifacts.Model()]
        inputs["base_model"][0].uri = str(base)
    Executor().Do(inputs, outputs, properties(folder, **changes))
    return folder / "model"


def manifest(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((model / "Format-Serving" / "assets.extra" / "manifest.json").read_text())
    return found


def table(model: Path) -> Any:
    return load_model(model / "Format-Serving").model.item_embedding.embeddings.numpy()


@pytest.mark.usefixtures("untraced")
def test_a_chain_of_days_and_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = train(tmp_path / "1", warm=WARM)
    assert "warm" not in manifest(first)
    caplog.clear()
    second = train(tmp_path / "2", first, warm=WARM, training={**STILL, "seed": 7})
    assert manifest(second)["warm"] == {"from": str(first / "Format-Serving"), "days": 1}
    assert (table(second) == pytest.approx(table(first), abs=1e-6)) is True
    done = [event for event in map(events.of_record, caplog.records) if isinstance(event, events.EpochDone)]
    assert [(event.epoch, event.epochs) for event in done] == [(1, 1)]
    third = train(tmp_path / "3", second, warm=WARM, training=STILL)
    assert manifest(third)["warm"]["days"] == 2
    fourth = train(tmp_path / "4", third, warm=WARM, training={**STILL, "seed": 9})
    assert "warm" not in manifest(fourth)
    assert manifest(fourth)["epochs"] == SETTINGS["training"]["epochs"]
    assert "Day 3 of `training.from_scratch_every: 3`: training from scratch." in caplog.text
    assert is_due(str(third / "Format-Serving"), {**WARM, "from_scratch_every": 0})
    assert not is_due("", WARM)
    assert not is_due(str(third / "Format-Serving"), None)

    vocabulary = load_model(first / "Format-Serving").vocabulary
    network = ModelConfig(**SETTINGS["model"])
    assert warm_start(str(first / "Format-Serving"), WARM, vocabulary, network) is not None
    other = ModelConfig(**{**SETTINGS["model"], "dim": 4})
    assert warm_start(str(first / "Format-Serving"), WARM, vocabulary, other) is None
    assert "has another network (`model.*`): training from scratch. Differing: final_norm/beta" in caplog.text
    sampled = ModelConfig(**{**SETTINGS["model"], "loss": "sampled_softmax", "sampled_items": 2})
    assert warm_start(str(first / "Format-Serving"), WARM, vocabulary, sampled) is not None, "the loss is no network"
    heads = ModelConfig(**{**SETTINGS["model"], "num_heads": 2})
    assert warm_start(str(first / "Format-Serving"), WARM, vocabulary, heads) is None
    assert "Differing: model.num_heads." in caplog.text

    # The refit of a warm model begins with the refit of before, and never with nothing.
    judged = read_judged(second / "Format-Serving")
    assert judged.is_warm
    assert not read_judged(first / "Format-Serving").is_warm


@pytest.mark.usefixtures("untraced")
def test_a_refit_begins_as_its_judged_model_did(tmp_path: Path) -> None:
    made = tmp_path / "judged"
    made.mkdir()
    inputs, outputs = write_artifacts(made)
    Executor().Do(inputs, outputs, properties(made))
    refit.write_everything(made)
    refit.run(made, tmp_path / "yesterday")
    path = made / "model" / "Format-Serving" / "assets.extra" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "warm": {"days": 1}}))
    with pytest.raises(ValueError, match=r"and its refit has none: set `training.warm_start: false`"):
        refit.run(made, tmp_path / "none", warm=WARM)
    initial = tmp_path / "yesterday" / "model"
    refit.run(made, tmp_path / "today", warm=WARM, training=STILL, initial=initial)
    found = tmp_path / "today" / "model"
    assert manifest(found)["warm"] == {"from": str(initial / "Format-Serving")}
    assert (table(found) == pytest.approx(table(initial), abs=1e-6)) is True
