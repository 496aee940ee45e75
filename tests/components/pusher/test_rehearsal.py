"""What a model has to show before it is pushed."""

import logging
import shutil
from pathlib import Path

import pytest

from components.pusher.config import PushConfig
from components.pusher.programs import NotServableError, Programs
from components.pusher.rehearsal import rehearse
from pnfrec_core import events
from tests.components.pusher.test_pusher import Delivery, delivery

__all__ = ["delivery"]

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("forked_programs")]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec
    from tests.pnfrec_keras.export.asking import ITEMS, LENGTH, VOCABULARY

    path = tmp_path_factory.mktemp("export") / "model"
    export_saved_model(PNFRec(ITEMS, max_length=LENGTH, dim=8), VOCABULARY, path)
    return path


def test_a_good_model_is_pushed_and_its_times_are_told(
    delivery: Delivery, export: Path, caplog: pytest.LogCaptureFixture, programs: Programs
) -> None:
    caplog.set_level(logging.INFO)
    shutil.copytree(export, delivery.root / "good" / "Format-Serving")
    delivery.push("good", settings={"rehearse": True, "max_answer_ms": 60_000})
    assert [path.name for path in delivery.base.iterdir() if path.is_dir()] == ["101"]
    found = rehearse(str(export), PushConfig(), programs)
    assert found.load_seconds > 0
    assert found.answer_ms > 0
    assert found.signature in ("serving_default", "with_negatives", "recommend")
    assert events.Rehearsing() in map(events.of_record, caplog.records), "seconds pass, so the terminal says why"


def test_one_that_cannot_be_loaded_is_not(delivery: Delivery, export: Path) -> None:
    shutil.copytree(export, delivery.root / "broken" / "Format-Serving")
    for part in (delivery.root / "broken" / "Format-Serving" / "variables").iterdir():
        part.unlink()
    with pytest.raises(NotServableError, match=r"cannot be served: .*variables[^\0]*Nothing was pushed") as caught:
        delivery.push("broken", settings={"rehearse": True})
    # What TensorFlow logs is no reason: 2.21 writes it whatever the level.
    assert "oneDNN" not in str(caught.value)
    assert not delivery.base.exists()
    # Who does not want to ask gets what was asked for.
    delivery.push("broken", settings={"rehearse": False})
    assert [path.name for path in delivery.base.iterdir() if path.is_dir()] == ["102"]


def test_one_that_is_too_slow_is_not(delivery: Delivery, export: Path) -> None:
    shutil.copytree(export, delivery.root / "slow" / "Format-Serving")
    with pytest.raises(NotServableError, match=r"`push.max_answer_ms` is 1e-06\. Nothing was pushed"):
        delivery.push("slow", settings={"rehearse": True, "max_answer_ms": 1e-6})
    assert not delivery.base.exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_answer_ms": 0.0}, "above 0"),
        ({"max_answer_ms": float("nan")}, "above 0"),
        ({"rehearse": False, "max_answer_ms": 5.0}, "measured by the rehearsal"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PushConfig(**settings)  # type: ignore[arg-type]
