"""BaselineFinder and BaselineKeeper; and that a folder and ML Metadata name the same baseline."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

import pnfrec_artifacts
from components.baseline import executor
from components.baseline.absent import is_absent
from components.baseline.executor import Finder, Keeper, NotBlessedError
from components.gate.gone import places_of
from components.gate.last_blessed import Asked, LastBlessedOtherModel
from pnfrec_core import marking
from tests.components.baseline.world import write_blessing, write_model
from tests.components.gate.test_last_blessed import Store, blessing
from tests.components.gate.test_last_blessed import model as model_artifact

# A run: the number of the model that was judged, and whether it was blessed; or that somebody deletes a model's files.
JUDGED, GONE = "judged", "gone"


def artifact(kind: Any, uri: Path) -> Any:
    found = kind()
    found.uri = str(uri)
    return found


class Cluster:
    """Runs whose blessed models are kept in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = str(root / "baselines")
        self.runs = 0

    def model(self, number: int) -> Path:
        """A model as a run trains it: the same bytes in a folder of that run's own."""
        self.runs += 1
        return write_model(self.root / f"run-{self.runs}", number)

    def judge(self, number: int, blessed: bool, refuse: bool = False, most: int = 99) -> None:
        trained = self.model(number)
        given = artifact(
            standard_artifacts.ModelBlessing,
            write_blessing(self.root / f"blessing-{self.runs}", "BLESSED" if blessed else "NOT_BLESSED"),
        )
        given.set_int_custom_property("blessed", int(blessed))
        report = self.root / f"report-{self.runs}"
        report.mkdir()
        (report / "report.txt").write_text("NDCG is too low.\n", encoding="utf-8")
        inputs = {
            "model": [artifact(standard_artifacts.Model, trained)],
            "model_blessing": [given],
            "report": [artifact(pnfrec_artifacts.GateReport, report)],
        }
        settings = {executor.FOLDER: self.place, executor.MOST: most, executor.REFUSE: int(refuse)}
        try:
            Keeper().Do(inputs, {}, settings)
        finally:
            # What a run leaves in its store is out of the reach of the next one.
            shutil.rmtree(trained)

    def lose(self, number: int) -> None:
        for path in Path(self.place).glob("*/model/Format-Serving/variables/variables.data"):
            if path.read_text(encoding="utf-8") == str(number):
                shutil.rmtree(path.parents[2])

    def find(self, candidate: int, asked: Asked) -> dict[str, Any]:
        outputs = {
            key: [artifact(kind, self.root / f"found-{self.runs}-{key}")]
            for key, kind in (
                ("model", standard_artifacts.Model),
                ("model_blessing", standard_artifacts.ModelBlessing),
                ("gone", standard_artifacts.Model),
            )
        }
        inputs = {"candidate": [artifact(standard_artifacts.Model, self.model(candidate))]}
        settings = {executor.FOLDER: self.place, executor.ASKED: json.dumps(asked._asdict())}
        Finder().Do(inputs, outputs, settings)
        return {key: None if is_absent(found.uri) else found for key, [found] in outputs.items()}


def number_of(model: Any) -> int | None:
    if model is None:
        return None
    return int((Path(model.uri) / "Format-Serving" / "variables" / "variables.data").read_text(encoding="utf-8"))


def by_metadata(root: Path, events: list[tuple[str, int, bool]], candidate: int, asked: Asked) -> tuple[Any, ...]:
    """What the resolver of local runs finds after the same events."""
    store, blessings, last = Store(), [], {}
    models = {number: write_model(root / "local" / str(number), number) for number in (1, 2, 3)}
    for kind, number, blessed in events:
        if kind == GONE:
            shutil.rmtree(models[number])
        else:
            last[number] = store.evaluate()
            blessings.append(blessing(last[number], number, blessed))
    artifacts = []
    for number, path in models.items():
        artifacts.append(model_artifact(number))
        artifacts[-1].uri = str(path)
    inputs = {"model": artifacts, "model_blessing": blessings, "candidate": [model_artifact(candidate)]}
    found = LastBlessedOtherModel(**asked._asdict()).resolve_artifacts(store.store, inputs)
    assert found is not None
    return (
        found["model"][0].id if found["model"] else None,
        bool(found["model_blessing"]),
        bool(found["gone"]),
    )


@pytest.mark.parametrize("asked", [Asked(), Asked(k=10, default_list=True), Asked(k=11), Asked(lists=True)])
@pytest.mark.parametrize(
    "events",
    [
        [],
        [(JUDGED, 1, True)],
        [(JUDGED, 1, True), (JUDGED, 2, False)],
        [(JUDGED, 1, True), (JUDGED, 2, True)],
        [(JUDGED, 2, True), (JUDGED, 1, True)],
        [(JUDGED, 1, True), (JUDGED, 2, True), (JUDGED, 1, True)],
        [(JUDGED, 1, True), (JUDGED, 2, True), (GONE, 2, True)],
        [(JUDGED, 1, True), (JUDGED, 2, True), (GONE, 2, True), (GONE, 1, True)],
    ],
)
@pytest.mark.parametrize("candidate", [1, 2, 3])
def test_a_folder_and_ml_metadata_name_the_same_baseline(
    tmp_path: Path, events: list[tuple[str, int, bool]], candidate: int, asked: Asked
) -> None:
    cluster = Cluster(tmp_path)
    for kind, number, blessed in events:
        if kind == GONE:
            cluster.lose(number)
        else:
            cluster.judge(number, blessed)
    found = cluster.find(candidate, asked)
    here = (number_of(found["model"]), found["model_blessing"] is not None, found["gone"] is not None)
    assert here == by_metadata(tmp_path, events, candidate, asked)


def test_a_found_blessing_says_that_it_is_one(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.judge(1, blessed=True)
    found = cluster.find(2, Asked())["model_blessing"]
    assert found.get_int_custom_property("blessed") == 1
    assert (Path(found.uri) / "BLESSED").exists()


def test_the_places_of_models_that_are_gone_are_told(tmp_path: Path) -> None:
    """In one artifact, which stays where the launcher of the node wants it."""
    cluster = Cluster(tmp_path)
    for number in (1, 2):
        cluster.judge(number, blessed=True)
        cluster.lose(number)
    gone = cluster.find(3, Asked())["gone"]
    assert not gone.uri.startswith(cluster.place)
    places = places_of(gone)
    assert len(set(places)) == 2
    assert all(place.startswith(f"{cluster.place}/") and place.endswith("/model") for place in places)
    assert places_of(artifact(standard_artifacts.Model, tmp_path / "itself")) == [str(tmp_path / "itself")]


def test_a_model_that_was_rolled_back_is_no_baseline(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    for number in (1, 2):
        cluster.judge(number, blessed=True)
    serving = tmp_path / "serving"
    for number in (1, 2):
        pushed = write_model(tmp_path / f"run-99{number}", number) / "Format-Serving"
        shutil.copytree(pushed, serving / str(100 + number))
    asked = Asked(serving=str(serving))
    assert number_of(cluster.find(9, asked)["model"]) == 2
    marking.rollback(str(serving), 102, "lists of one genre")
    assert number_of(cluster.find(9, asked)["model"]) == 1


def test_a_refused_model_fails_the_run_where_it_is_asked_for(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with pytest.raises(NotBlessedError, match=r"NOT BLESSED: nothing is pushed(.|\n)*NDCG is too low."):
        cluster.judge(1, blessed=False, refuse=True)
    cluster.judge(1, blessed=False, refuse=False)
    assert not Path(cluster.place).exists()


def test_as_many_stay_as_are_asked_for(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    for number in (1, 2, 3):
        cluster.judge(number, blessed=True, most=1)
    assert number_of(cluster.find(9, Asked())["model"]) == 3
    assert len(list(Path(cluster.place).iterdir())) == 1
