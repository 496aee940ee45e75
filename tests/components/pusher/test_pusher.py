"""What lies in the serving folder after a push."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tfx.components.evaluator import constants
from tfx.proto import pusher_pb2
from tfx.types import channel_utils, standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components.pusher import executor, refitted
from components.pusher.component import ServingPusher
from components.pusher.delivery import newest_version
from components.pusher.programs import NotServableError
from pnfrec_artifacts import GateReport
from pnfrec_core import served


class Delivery:
    """A serving folder, and models to push to it. Versions are counted, not timed."""

    def __init__(self, root: Path, clock: list[int]) -> None:
        self.root, self.base, self.clock = root, root / "serving", clock
        self.pushes = 0

    def push(
        self,
        name: str,
        *,
        blessed: bool = True,
        settings: dict[str, Any] | None = None,
        report: Path | None = None,
        refitted: str = "",
    ) -> Any:
        self.clock[0] += 1
        self.pushes += 1
        model, blessing, pushed = (
            standard_artifacts.Model(),
            standard_artifacts.ModelBlessing(),
            standard_artifacts.PushedModel(),
        )
        model.uri = self.make(name)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
        blessing.uri = str(self.root / "blessing")
        pushed.uri = str(self.root / f"pushed-{self.pushes}")
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(self.base))
        )
        inputs: dict[str, list[Any]] = {"model": [model], "model_blessing": [blessing]}
        if report is not None:
            inputs["report"] = [GateReport()]
            inputs["report"][0].uri = str(report)
        if refitted:
            inputs["refitted"] = [standard_artifacts.Model()]
            inputs["refitted"][0].uri = self.make(refitted, steps=7)
        executor.Executor().Do(
            inputs,
            {"pushed_model": [pushed]},
            {
                standard_component_specs.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(destination),
                standard_component_specs.CUSTOM_CONFIG_KEY: json.dumps(
                    {"resolved_config": f"push: {self.pushes}\n", **({"push": settings} if settings else {})}
                ),
            },
        )
        return pushed

    def make(self, name: str, **facts: int) -> str:
        """The artifact of a model, made where it is not there yet."""
        folder = self.root / name / "Format-Serving"
        if not folder.exists():
            (folder / "variables").mkdir(parents=True)
            (folder / "saved_model.pb").write_text("graph")
            (folder / "variables" / "variables.data").write_text(name)
        if facts:
            for each in self.root.glob("*/Format-Serving"):
                (each / "assets.extra").mkdir(exist_ok=True)
                manifest = {"items": 9, "training_users": 5, **facts}
                (each / "assets.extra" / "manifest.json").write_text(json.dumps(manifest))
        return str(self.root / name)

    def versions(self) -> list[str]:
        """The model in each version, oldest first."""
        files = sorted(self.base.glob("*/variables/variables.data"), key=lambda path: int(path.parts[-3]))
        return [file.read_text() for file in files]


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    clock = [100]
    monkeypatch.setattr("tfx.components.pusher.executor.time.time", lambda: clock[0])
    return Delivery(tmp_path, clock)


def test_the_same_model_is_pushed_once(delivery: Delivery) -> None:
    first, again = delivery.push("a"), delivery.push("a")
    assert delivery.versions() == ["a"]
    for pushed in (first, again):
        assert pushed.get_int_custom_property("pushed") == 1
        assert pushed.get_string_custom_property("pushed_version") == "101"
        assert pushed.get_string_custom_property("pushed_destination") == str(delivery.base / "101")
    assert [each.get_int_custom_property("is_new") for each in (first, again)] == [1, 0]


def test_a_model_that_was_exported_anew_is_not_pushed_again(delivery: Delivery) -> None:
    """TensorFlow 2.21 writes a random number into each export."""
    delivery.push("a")
    (delivery.root / "a" / "Format-Serving" / "fingerprint.pb").write_text("14798437314133")
    assert delivery.push("a").get_int_custom_property("is_new") == 0
    assert delivery.versions() == ["a"]


def test_a_return_to_an_earlier_model_is_delivered(delivery: Delivery) -> None:
    for name in "abab":
        delivery.push(name)
    assert delivery.versions() == ["a", "b", "a", "b"]


def test_the_settings_of_the_run_lie_in_the_version_that_it_pushed(delivery: Delivery) -> None:
    for name in "aab":
        delivery.push(name)
    assert (delivery.base / "101/assets.extra/run.yaml").read_text() == "push: 1\n"
    assert (delivery.base / "103/assets.extra/run.yaml").read_text() == "push: 3\n"
    assert sorted(path.name for path in delivery.base.rglob("*.unfinished")) == []
    # As in a version of another exporter: this run did not push it.
    (delivery.base / "103/assets.extra/run.yaml").unlink()
    delivery.push("b")
    assert delivery.versions() == ["a", "b"]
    assert not (delivery.base / "103/assets.extra/run.yaml").exists()


def test_the_model_card_lies_in_the_version_and_is_no_part_of_the_model(delivery: Delivery) -> None:
    report = delivery.root / "report"
    report.mkdir()
    for name in ("model_card.md", "model_card.html", "report.html"):
        (report / name).write_text(f"first {name}")
    delivery.push("a", report=report)
    extra = delivery.base / "101" / "assets.extra"
    assert {path.name: path.read_text() for path in extra.iterdir()} == {
        "run.yaml": "push: 1\n",
        "model_card.md": "first model_card.md",
        "model_card.html": "first model_card.html",
    }
    # Judged anew, the same model is not pushed again, and its version keeps the card of the run that pushed it.
    (report / "model_card.md").write_text("second")
    assert delivery.push("a", report=report).get_int_custom_property("is_new") == 0
    assert (extra / "model_card.md").read_text() == "first model_card.md"
    # A report of before there were cards brings none.
    (delivery.root / "old").mkdir()
    assert delivery.push("b", report=delivery.root / "old").get_int_custom_property("is_new") == 1
    assert [path.name for path in (delivery.base / "103" / "assets.extra").iterdir()] == ["run.yaml"]
    assert delivery.push("b", report=report).get_int_custom_property("is_new") == 0


def test_a_refitted_model_is_pushed_in_the_place_of_the_judged_one_and_the_card_says_so(delivery: Delivery) -> None:
    report = delivery.root / "report"
    report.mkdir()
    (report / "model_card.md").write_text(f"# Card\n\n{served.JUDGED}\n")
    pushed = delivery.push("a", report=report, refitted="a2")
    assert delivery.versions() == ["a2"]
    extra = delivery.base / "101" / "assets.extra"
    assert (extra / "model_card.md").read_text() == f"# Card\n\n{served.of_refitted(7, 9, 9)}\n"
    assert json.loads((extra / "refit.json").read_text())["serves"] == "refitted"
    said = "refitted on everything: 7 steps, 5 users (judged: 5), 9 items (judged: 9)"
    assert pushed.get_string_custom_property("serves") == said
    # The same again: it is told what serves, and nothing is compared.
    again = delivery.push("a", report=report, refitted="a2")
    assert (again.get_int_custom_property("is_new"), again.get_string_custom_property("serves")) == (0, said)
    # What was not blessed is not pushed, whatever lies beside it.
    assert delivery.push("b", blessed=False, refitted="b2").get_int_custom_property("pushed") == 0
    assert delivery.versions() == ["a2"]


def test_a_refused_refit_pushes_nothing_unless_the_judged_model_is_to_be_pushed_then(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refitted, "reasons", lambda *_: ["It is no good."])
    settings: dict[str, Any] = {"rehearse": False, "replay_users": 0}
    with pytest.raises(NotServableError, match=r"refused, and nothing was pushed: It is no good\."):
        delivery.push("a", refitted="a2", settings=settings)
    assert delivery.versions() == []
    for is_new in (1, 0):
        pushed = delivery.push("a", refitted="a2", settings={**settings, "refit": {"refused": "judged"}})
        assert pushed.get_int_custom_property("is_new") == is_new
        assert pushed.get_string_custom_property("serves").startswith("the judged model itself, since the one ")
    assert delivery.versions() == ["a"]


def test_the_report_is_an_input_that_may_be_left_out() -> None:
    given: dict[str, Any] = {
        "model": channel_utils.as_channel([standard_artifacts.Model()]),
        "model_blessing": channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
        "base_directory": "serving",
    }
    report = channel_utils.as_channel([GateReport()])
    assert sorted(ServingPusher(**given).inputs) == ["model", "model_blessing"]
    assert ServingPusher(**given, report=report).inputs["report"] is report


def test_an_emptied_serving_folder_is_filled_again(delivery: Delivery) -> None:
    delivery.push("a")
    shutil.rmtree(delivery.base)
    delivery.push("a")
    assert delivery.versions() == ["a"]


def test_a_half_written_version_does_not_count(delivery: Delivery) -> None:
    delivery.push("a")
    (delivery.base / "101" / "saved_model.pb").unlink()
    pushed = delivery.push("a")
    assert pushed.get_string_custom_property("pushed_version") == "102"
    assert newest_version(str(delivery.base)) == str(delivery.base / "102")


def test_a_model_that_is_not_blessed_is_not_pushed(delivery: Delivery) -> None:
    delivery.push("a")
    assert delivery.push("b", blessed=False).get_int_custom_property("pushed") == 0
    assert delivery.push("a", blessed=False).get_int_custom_property("pushed") == 0
    assert delivery.versions() == ["a"]


def test_it_is_never_taken_from_the_cache() -> None:
    def custom_config() -> Any:
        model, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
        pusher = ServingPusher(channel_utils.as_channel([model]), channel_utils.as_channel([blessing]), "serving")
        return pusher.exec_properties["custom_config"]

    assert custom_config() != custom_config()
