"""With which models of the record a day's training begins."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.gate.last_blessed import digest_of
from components.warm.earlier import EarlierModels
from pnfrec_artifacts import FeedbackStatistics
from pnfrec_core import model_marks

Event = metadata_store_pb2.Event


class Record:
    """An ML Metadata store in memory, with days of runs in it."""

    def __init__(self, folder: Path) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(config)
        self.folder = folder
        self.clock = 0
        self.models: list[Any] = []
        self.blessings: list[Any] = []
        self.refits: dict[int, int] = {}

    def data(self, time: int, rule: str = "global_time") -> dict[str, Any]:
        """The outputs of a run of FeedbackGen."""
        statistics = self._artifact("PnfrecFeedbackStatistics", f"statistics{self.clock}")
        (Path(statistics.uri) / "statistics.json").write_text(
            json.dumps({"split": {"rule": rule, "time": time, "time_unit": "seconds"}})
        )
        outputs = {"examples": self._artifact("Examples", f"examples{self.clock}"), "statistics": statistics}
        self._run({}, outputs)
        return outputs

    def run(self, data: dict[str, Any], *, blessed: bool = True, refit: bool = True) -> int:
        """A training on data, its blessing and its refit; the id of the judged model."""
        model = self._model({"examples": data["examples"]})
        blessing = self._artifact("ModelBlessing", f"blessing{self.clock}")
        self._run({"model": model}, {"blessing": blessing})
        made = standard_artifacts.ModelBlessing()
        made.id = blessing.id
        made.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
        made.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
        self.blessings.append(made)
        if refit:
            self.refits[model.id] = self._model({"judged": model}, refitted=1).id
        return int(model.id)

    def find(self, data: dict[str, Any], serving: str = "") -> tuple[list[int], list[int]]:
        """The judged and the refitted model that a run on data begins with."""
        statistics = FeedbackStatistics()
        statistics.id, statistics.uri = data["statistics"].id, data["statistics"].uri
        inputs = {"model": self.models, "model_blessing": self.blessings, "statistics": [statistics]}
        found = EarlierModels(serving).resolve_artifacts(self.store, inputs)
        assert found is not None
        return [each.id for each in found["judged"]], [each.id for each in found["refitted"]]

    def _model(self, inputs: dict[str, Any], refitted: int = 0) -> Any:
        artifact = self._artifact("Model", f"model{self.clock}")
        self._run(inputs, {"model": artifact})
        made = standard_artifacts.Model()
        made.id, made.uri = artifact.id, artifact.uri
        made.set_int_custom_property("refitted", refitted)
        (Path(made.uri) / "Format-Serving" / "variables").mkdir(parents=True)
        for name in ("saved_model.pb", "variables/variables.index"):
            (Path(made.uri) / "Format-Serving" / name).write_text(str(artifact.id))
        self.models.append(made)
        return artifact

    def _artifact(self, kind: str, name: str) -> Any:
        type_id = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=kind))
        (self.folder / name).mkdir()
        artifact = metadata_store_pb2.Artifact(type_id=type_id, uri=str(self.folder / name))
        [artifact.id] = self.store.put_artifacts([artifact])
        return artifact

    def _run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        self.clock += 1
        type_id = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Node"))
        [execution] = self.store.put_executions([metadata_store_pb2.Execution(type_id=type_id)])
        for kind, artifacts in ((Event.INPUT, inputs), (Event.OUTPUT, outputs)):
            for key, artifact in artifacts.items():
                event = Event(artifact_id=artifact.id, execution_id=execution, type=kind)
                event.milliseconds_since_epoch = self.clock
                event.path.steps.add().key = key
                self.store.put_events([event])


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path)


def test_the_first_day_begins_with_nothing(record: Record) -> None:
    data = record.data(100)
    assert record.find(data) == ([], [])
    # Nor does it, once its models are there: a run that is repeated is taken from the cache.
    record.run(data)
    assert record.find(data) == ([], [])


def test_a_day_begins_with_the_models_of_the_day_before(record: Record) -> None:
    record.run(record.data(100))
    yesterday = record.run(record.data(200))
    today = record.data(300)
    record.run(today)  # as by other settings on the same data
    assert record.find(today) == ([yesterday], [record.refits[yesterday]])


def test_a_refused_model_is_passed_over_and_one_without_a_refit_stands_for_it(record: Record) -> None:
    first = record.run(record.data(100), refit=False)
    record.run(record.data(200), blessed=False)
    assert record.find(record.data(300)) == ([first], [first])


def test_what_was_trained_on_rows_that_are_held_out_now_is_passed_over(record: Record) -> None:
    earlier = record.run(record.data(100))
    record.run(record.data(200))
    record.run(record.data(50, rule="column"))
    assert record.find(record.data(150)) == ([earlier], [record.refits[earlier]])
    assert record.find(record.data(99)) == ([], [])
    assert record.find(record.data(100)) == ([earlier], [record.refits[earlier]])


def test_a_model_whose_files_are_gone_is_passed_over(record: Record) -> None:
    first, second = record.run(record.data(100)), record.run(record.data(200))
    by_id = {each.id: Path(each.uri) for each in record.models}
    shutil.rmtree(by_id[record.refits[second]])
    assert record.find(record.data(300)) == ([second], [second])
    shutil.rmtree(by_id[second])
    assert record.find(record.data(300)) == ([first], [record.refits[first]])


def test_a_model_that_is_marked_as_bad_is_not_begun_with(record: Record, tmp_path: Path) -> None:
    first, second = (record.run(record.data(time)) for time in (10, 20))
    today = record.data(30)
    assert record.find(today)[0] == [second]
    # As `pnfrec models rollback` marks a version that was refitted: the judged model is bad as well.
    serving = tmp_path / "serving"
    serving.mkdir()
    judged = next(model for model in record.models if model.id == second)
    mark = model_marks.new_mark(7, "lists of one genre", "of the refit", digest_of(judged))
    model_marks.marks_file(serving).write_text(model_marks.to_json(model_marks.Marks(bad={7: mark})))
    assert record.find(today, str(serving)) == ([first], [record.refits[first]])
