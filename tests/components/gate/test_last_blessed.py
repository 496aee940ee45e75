"""Which model a candidate is compared with."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.gate.last_blessed import LastBlessedOtherModel
from pnfrec_core import schema
from pnfrec_keras.export.ranking import Ranking
from pnfrec_keras.ranking.rules import find_rule


def model(number: int) -> Any:
    artifact = standard_artifacts.Model()
    artifact.id = number
    return artifact


def blessing(number: int, of: int, blessed: bool) -> Any:
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = number
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, of)
    artifact.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    return artifact


class Store:
    """An ML Metadata store in memory, and the blessings that were put out in it, in this order."""

    def __init__(self) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(config)
        self.type_id = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="ModelBlessing"))
        self.run_type_id = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Evaluator"))
        # Of a machine whose clock is wrong: it is set back before each run.
        self.clock = 10**9

    def evaluate(self, artifact_id: int | None = None) -> int:
        """An execution that puts out a blessing: a new one, or, from the cache, one of before."""
        if artifact_id is None:
            [artifact_id] = self.store.put_artifacts([metadata_store_pb2.Artifact(type_id=self.type_id)])
        [execution] = self.store.put_executions([metadata_store_pb2.Execution(type_id=self.run_type_id)])
        self.clock -= 1000
        self._event(artifact_id, execution, metadata_store_pb2.Event.OUTPUT)
        return artifact_id

    def read(self, artifact_id: int) -> None:
        """An execution that only looks at a blessing, as the Pusher does."""
        [execution] = self.store.put_executions([metadata_store_pb2.Execution(type_id=self.run_type_id)])
        self.clock -= 1000
        self._event(artifact_id, execution, metadata_store_pb2.Event.INPUT)

    def _event(self, artifact: int, execution: int, kind: Any) -> None:
        self.store.put_events(
            [
                metadata_store_pb2.Event(
                    artifact_id=artifact, execution_id=execution, type=kind, milliseconds_since_epoch=self.clock
                )
            ]
        )


def resolve(
    store: Store,
    blessings: list[tuple[int, int, bool]],
    candidate: int,
    root: Path,
    k: int = 1,
    **compared: bool,
) -> tuple[list[int], list[int]]:
    """Model and blessing (by its model) that are found for a candidate. Blessings are (id, model, blessed)."""
    found = resolve_all(store, blessings, candidate, root, k, **compared)
    judged = [each.get_int_custom_property("current_model_id") for each in found["model_blessing"]]
    return [artifact.id for artifact in found["model"]], judged


def resolve_all(
    store: Store,
    blessings: list[tuple[int, int, bool]],
    candidate: int,
    root: Path,
    k: int = 1,
    **compared: bool,
) -> dict[str, list[Any]]:
    models = [model(3), model(1), model(2)]
    for each in models:
        each.uri = f"{root}/{each.id}"
    inputs = {
        "model": models,
        "model_blessing": [blessing(*each) for each in blessings],
        "candidate": [model(candidate)],
    }
    found = LastBlessedOtherModel(k=k, **compared).resolve_artifacts(store.store, inputs)
    assert found is not None
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the models 1, 2 and 3 lie."""
    for number in (1, 2, 3):
        write_export(tmp_path, None, schema.OUTPUT_RANK, number=number)
    return tmp_path


@pytest.mark.parametrize(
    ("runs", "candidate", "expected"),
    [
        ([], 1, None),
        ([(1, True)], 1, None),  # the candidate itself, run again
        # 3 is a model of the record without a blessing, as a refitted one is: it has seen what the gate judges by.
        ([(1, True)], 2, 1),
        ([(1, True), (2, False)], 3, 1),  # a refused model is no baseline
        ([(1, True), (2, True)], 3, 2),
        ([(1, True), (2, True)], 2, 1),  # as when 2 was judged first
        ([(2, True), (1, True)], 3, 1),  # blessed last, though trained first
        ([(9, True)], 1, None),  # a model that is gone
    ],
)
def test_the_last_blessed_model_that_is_another(
    root: Path, runs: list[tuple[int, bool]], candidate: int, expected: int | None
) -> None:
    store = Store()
    blessings = [(store.evaluate(), of, blessed) for of, blessed in runs]
    wanted = [] if expected is None else [expected]
    assert resolve(store, blessings, candidate, root) == (wanted, wanted)


def test_a_blessing_from_the_cache_is_given_anew(root: Path) -> None:
    """Settings A, B, A, B: what was blessed last is B, and C is compared with it."""
    store = Store()
    of_a, of_b = store.evaluate(), store.evaluate()
    blessings = [(of_a, 1, True), (of_b, 2, True)]
    # A is judged against B now, so its Evaluator runs and puts out another blessing; then B's as well.
    blessings += [(store.evaluate(), number, True) for number in (1, 2)]
    assert resolve(store, blessings, 3, root) == ([2], [2])
    # From here on all evaluations are known.
    store.evaluate(blessings[2][0])
    assert resolve(store, blessings, 3, root) == ([1], [1])
    store.evaluate(blessings[3][0])
    assert resolve(store, blessings, 3, root) == ([2], [2])
    store.read(blessings[2][0])
    assert resolve(store, blessings, 3, root) == ([2], [2]), "to look at a blessing does not give it"
    assert resolve(store, blessings, 2, root) == ([1], [1]), "the run of B again is compared with A, as before"


@pytest.mark.parametrize(("k", "comparable"), [(10, True), (11, False)])
@pytest.mark.parametrize("is_earlier", [False, True])
def test_a_model_that_tells_too_few_items_is_left_out(
    tmp_path: Path, is_earlier: bool, k: int, comparable: bool
) -> None:
    """By `ranking.json`; by the signature where earlier code exported the model without that file."""
    store = Store()
    ranking = None if is_earlier else Ranking("like_rate", 0.0, 0.0, 10, asks_dislikes=False)
    write_export(tmp_path, ranking, schema.OUTPUT_RANK, top_items=10 if is_earlier else 50)
    found = resolve(store, [(store.evaluate(), 1, True)], 2, tmp_path, k)
    assert found == ([1] if comparable else [], [1])


def test_a_model_of_which_nothing_is_known_tells_items_enough(tmp_path: Path) -> None:
    store = Store()
    write_export(tmp_path, None, schema.OUTPUT_RANK)
    assert resolve(store, [(store.evaluate(), 1, True)], 2, tmp_path, 10_000) == ([1], [1])


@pytest.mark.parametrize(
    ("rule", "gamma", "output", "asked", "comparable"),
    [
        ("like_odds", 1, schema.OUTPUT_DEFAULT_RANK, True, True),
        ("like_odds", 1, schema.OUTPUT_RANK, True, False),  # exported before that rank was told
        ("like_odds", 1, schema.OUTPUT_RANK, False, True),
        ("posterior", 2, schema.OUTPUT_RANK, True, False),
        ("like_odds", 0, schema.OUTPUT_RANK, True, True),  # its two lists are one
        ("like_rate", 1, schema.OUTPUT_RANK, True, True),
        # Exported before `ranking.json`: the signature alone tells.
        (None, 0, schema.OUTPUT_DEFAULT_RANK, True, True),
        (None, 0, schema.OUTPUT_RANK, True, False),
        (None, 0, schema.OUTPUT_RANK, False, True),
    ],
)
def test_a_model_that_does_not_tell_both_lists_is_left_out(
    tmp_path: Path, rule: str | None, gamma: float, output: str, asked: bool, comparable: bool
) -> None:
    store = Store()
    ranking = None
    if rule is not None:
        asks = gamma > 0 and find_rule(rule).needs_dislikes
        ranking = Ranking(rule, gamma, 0.0, 10, asks_dislikes=asks)
    write_export(tmp_path, ranking, output)
    found = resolve(store, [(store.evaluate(), 1, True)], 2, tmp_path, default_list=asked)
    assert found == ([1] if comparable else [], [1])


@pytest.mark.parametrize(
    ("tells", "asked", "comparable"), [(True, True, True), (False, True, False), (False, False, True)]
)
def test_a_model_that_does_not_tell_of_its_lists_is_left_out_where_that_is_compared(
    tmp_path: Path, tells: bool, asked: bool, comparable: bool
) -> None:
    write_export(tmp_path, Ranking("like_rate", 0.0, 0.0, 10, asks_dislikes=False), schema.OUTPUT_TOP_INFORMATION)
    if tells:
        path = tmp_path / "1" / "Format-Serving" / "saved_model.pb"
        saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        outputs = saved.meta_graphs[0].signature_def[schema.RANK_SIGNATURE].outputs
        outputs[schema.OUTPUT_TARGET_BUCKET].name = "any"
        path.write_bytes(saved.SerializeToString())
    store = Store()
    found = resolve(store, [(store.evaluate(), 1, True)], 2, tmp_path, lists=asked)
    assert found == ([1] if comparable else [], [1])


@pytest.mark.parametrize(
    ("output", "asked", "comparable"),
    [(schema.OUTPUT_TOP_GROUPS, True, True), ("target_bucket", True, False), ("target_bucket", False, True)],
)
def test_a_model_that_tells_no_groups_is_left_out_where_they_are_compared(
    tmp_path: Path, output: str, asked: bool, comparable: bool
) -> None:
    write_export(tmp_path, Ranking("like_rate", 0.0, 0.0, 10, asks_dislikes=False), output)
    store = Store()
    found = resolve(store, [(store.evaluate(), 1, True)], 2, tmp_path, groups=asked)
    assert found == ([1] if comparable else [], [1])


MODEL_FILES = ("saved_model.pb", "variables/variables.index")


@pytest.mark.parametrize("file", ["", *MODEL_FILES])
def test_a_model_whose_files_are_gone_is_passed_over_and_told(root: Path, file: str) -> None:
    store = Store()
    blessings = [(store.evaluate(), number, True) for number in (1, 2, 2)]
    remove(root / "2" / "Format-Serving" / file)
    found = resolve_all(store, blessings, 3, root)
    assert [each.id for each in found["model"]] == [1]
    assert [each.id for each in found["model_blessing"]] == [blessings[0][0]]
    assert [each.id for each in found["gone"]] == [2], "once, though it was blessed twice"
    remove(root / "1")
    found = resolve_all(store, blessings, 3, root)
    assert found["model"] == found["model_blessing"] == []
    assert [each.id for each in found["gone"]] == [2, 1]


def test_what_no_baseline_was_looked_for_is_not_told(root: Path) -> None:
    """Models older than the baseline, refused ones and the candidate may be gone without a word."""
    store = Store()
    blessings = [(store.evaluate(), number, blessed) for number, blessed in ((1, True), (2, True), (3, False))]
    remove(root / "1")
    remove(root / "3")
    found = resolve_all(store, blessings, 9, root)
    assert [each.id for each in found["model"]] == [2]
    assert found["gone"] == []
    remove(root / "2")
    assert resolve_all(store, blessings[1:], 2, root)["gone"] == []


def test_behind_a_model_that_is_gone_one_that_cannot_be_compared_is_still_left_out(root: Path) -> None:
    store = Store()
    shutil.rmtree(root / "1")
    write_export(root, Ranking("like_rate", 0.0, 0.0, 10, asks_dislikes=False), schema.OUTPUT_RANK)
    blessings = [(store.evaluate(), number, True) for number in (1, 2)]
    remove(root / "2")
    found = resolve_all(store, blessings, 3, root, k=11)
    assert found["model"] == []
    assert [each.id for each in found["model_blessing"]] == [blessings[0][0]]
    assert [each.id for each in found["gone"]] == [2]


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def write_export(
    root: Path, ranking: Ranking | None, output: str, top_items: int | None = None, number: int = 1
) -> None:
    """What the resolver reads of a model: `ranking.json` if it has one, the outputs of its signature, its files."""
    folder = root / str(number) / "Format-Serving"
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").touch()
    if ranking is not None:
        (folder / "assets.extra" / "ranking.json").write_text(ranking.to_json())
    saved = saved_model_pb2.SavedModel()
    outputs = saved.meta_graphs.add().signature_def[schema.RANK_SIGNATURE].outputs
    outputs[output].name = "any"
    for size in (-1, top_items) if top_items is not None else ():
        outputs[schema.OUTPUT_TOP_ITEMS].tensor_shape.dim.add().size = size
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
