"""AnomalyGate on what TFDV finds in examples of the contract, and in broken ones."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow_data_validation as tfdv
from tfx.components.example_validator import executor as example_validator
from tfx.components.schema_gen.import_schema_gen import executor as import_schema_gen
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils

from components.data_contract import SCHEMA_FILE
from components.data_gate import executor
from pnfrec_artifacts import FeedbackStatistics
from pnfrec_core import schema
from tests.components.gate import runs, world

TRAIN = [
    world.make_training_example("a", ["i1", "i2"], ["i3"]),
    world.make_training_example("b", ["i1"], []),
]


def evaluation_examples() -> list[Any]:
    return [world.make_example(user, *fields) for user, fields in world.USERS.items()]


def broken(change: Callable[[Any], object], place: int = 0) -> list[Any]:
    """The evaluation examples, one of which `change` broke through its features."""
    examples = evaluation_examples()
    change(examples[place].features.feature)
    return examples


def set_integer(features: Any, name: str, value: int) -> None:
    features[name].Clear()
    features[name].int64_list.value.append(value)


Validate = Callable[..., Any]


@pytest.fixture
def validate(tmp_path: pathlib.Path) -> Validate:
    """Runs ImportSchemaGen on the curated file and ExampleValidator on real statistics of each split."""

    def run(**splits: list[Any]) -> Any:
        statistics = runs.make_artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
        statistics.split_names = artifact_utils.encode_split_names(list(splits))
        for split, examples in splits.items():
            folder = world.write_examples(tmp_path / "examples", split, examples, shards=1)
            computed = tfdv.generate_statistics_from_tfrecord(str(folder / "data_tfrecord-00000-of-00001.gz"))
            target = tmp_path / "statistics" / f"Split-{split}"
            target.mkdir()
            (target / "FeatureStats.pb").write_bytes(computed.SerializeToString())  # as StatisticsGen does
        curated = runs.make_artifact(standard_artifacts.Schema, tmp_path / "schema")
        import_schema_gen.Executor().Do({}, {"schema": [curated]}, {"schema_file": str(SCHEMA_FILE)})
        anomalies = runs.make_artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
        example_validator.Executor().Do(
            {"statistics": [statistics], "schema": [curated]},
            {"anomalies": [anomalies]},
            {"exclude_splits": json_utils.dumps([])},
        )
        return anomalies

    return run


def run_gate(anomalies: Any) -> None:
    executor.Executor().Do({"anomalies": [anomalies]}, {}, {})


def test_examples_of_the_contract_pass(validate: Validate, caplog: pytest.LogCaptureFixture) -> None:
    # Evaluation-only features are absent from the first split; no user of the third has a disliked item.
    anomalies = validate(train=TRAIN, validation=evaluation_examples(), test=TRAIN[1:])
    caplog.clear()
    with caplog.at_level("INFO", logger="components.data_gate.executor"):
        run_gate(anomalies)
    assert caplog.messages == ["No anomaly in the splits train, validation, test."]


def test_a_newest_day_that_stops_the_run(validate: Validate, tmp_path: pathlib.Path) -> None:
    anomalies = validate(train=TRAIN)
    statistics = runs.make_artifact(FeedbackStatistics, tmp_path / "feedback")
    stop = "Rows on the newest day: 3. The band is 90 to 110."
    inputs = {"anomalies": [anomalies], executor.STATISTICS: [statistics]}
    account = tmp_path / "feedback" / "statistics.json"
    for found in ("{}", '{"drift": {"stops": []}}'):
        account.write_text(found)
        executor.Executor().Do(inputs, {}, {})
    account.write_text(json.dumps({"drift": {"stops": [stop]}}))
    with pytest.raises(executor.DriftError) as caught:
        executor.Executor().Do(inputs, {}, {})
    assert f"\n  - {stop}\nThe days are drawn in {tmp_path}/feedback/report.html." in str(caught.value)


def test_message_names_split_feature_and_reason(validate: Validate) -> None:
    anomalies = validate(
        train=TRAIN,
        validation=broken(lambda features: set_integer(features, schema.TARGET_IS_POSITIVE, 3)),
        test=broken(lambda features: features[schema.HISTORY_LENGTH_BUCKET].bytes_list.value.__setitem__(0, b"7-8")),
    )
    with pytest.raises(executor.DataAnomalyError) as caught:
        run_gate(anomalies)
    assert str(caught.value) == (
        "The examples break the data contract (2 anomalies); nothing is trained on them.\n"
        "  - split 'validation', feature 'target_is_positive': Out-of-range values. Unexpectedly large value: 3.\n"
        "  - split 'test', feature 'history_length_bucket': Unexpected string values. Examples contain values missing "
        "from the schema: 7-8 (~14%).\n"
        "Correct the input or the `feedback` settings. If the data is right and the contract is not, change "
        "components/data_contract/schema.pbtxt."
    )


def test_a_split_without_examples_is_an_anomaly(validate: Validate) -> None:
    # ExampleValidator itself takes it for valid.
    with pytest.raises(
        executor.DataAnomalyError, match=r"\(1 anomaly\)(.|\n)*split 'test': No examples. The split is empty"
    ):
        run_gate(validate(test=[]))


def test_a_sample_that_holds_no_example_is_no_fault_of_the_examples(validate: Validate, tmp_path: pathlib.Path) -> None:
    statistics = runs.make_artifact(FeedbackStatistics, tmp_path / "feedback")
    account = tmp_path / "feedback" / "statistics.json"
    inputs = {"anomalies": [validate(train=[], test=evaluation_examples())], executor.STATISTICS: [statistics]}
    account.write_text(json.dumps({"examples": {"train": {"all": 40_000}, "test": {"all": 7}}}))
    with pytest.raises(executor.EmptySampleError) as caught:
        executor.Executor().Do(inputs, {}, {})
    assert str(caught.value) == (
        "The sample that StatisticsGen looks at (`statistics.sample_rate`) holds none of the examples: 40,000 of the "
        "split 'train'. So nothing is known of them, and nothing is trained on them. Draw some hundreds by --set "
        "statistics.sample_rate=0.03, or leave the setting out to look at all."
    )
    # Where there is none that could be drawn, the split is at fault.
    account.write_text(json.dumps({"examples": {"train": {"all": 0}, "test": {"all": 7}}}))
    with pytest.raises(executor.DataAnomalyError, match=r"split 'train': No examples. The split is empty"):
        executor.Executor().Do(inputs, {}, {})


@pytest.mark.parametrize(
    ("examples", "feature", "reason"),
    [
        (
            broken(lambda features: features[schema.USER_ID].bytes_list.value.append(b"x")),
            schema.USER_ID,
            "Superfluous values",
        ),
        (broken(lambda features: features.pop(schema.USER_ID)), schema.USER_ID, "Column dropped"),
        (broken(lambda features: features.pop(schema.NEGATIVE_ITEM_IDS)), schema.NEGATIVE_ITEM_IDS, "Column dropped"),
        (
            broken(lambda features: features[schema.TARGET_ITEM_ID].bytes_list.value.append(b"x")),
            schema.TARGET_ITEM_ID,
            "Superfluous values",
        ),
        (broken(lambda features: set_integer(features, "age", 30)), "age", "New column"),
    ],
)
def test_broken_features(validate: Validate, examples: list[Any], feature: str, reason: str) -> None:
    with pytest.raises(executor.DataAnomalyError, match=f"split 'test', feature '{feature}': {reason}"):
        run_gate(validate(test=examples))


def test_wrong_type(validate: Validate) -> None:
    example = world.make_training_example("a", [], ["i1"])
    set_integer(example.features.feature, schema.POSITIVE_ITEM_IDS, 7)
    with pytest.raises(executor.DataAnomalyError, match=r"'positive_item_ids': Unexpected data type\. .* got INT"):
        run_gate(validate(train=[example]))


def test_a_split_that_was_not_validated(tmp_path: pathlib.Path) -> None:
    anomalies = runs.make_artifact(standard_artifacts.ExampleAnomalies, tmp_path)
    anomalies.split_names = artifact_utils.encode_split_names(["test"])
    with pytest.raises(FileNotFoundError, match="ExampleValidator did not validate this split"):
        run_gate(anomalies)


def test_curated_schema_holds_the_contract() -> None:
    curated = tfdv.load_schema_text(str(SCHEMA_FILE))
    names = [feature.name for feature in curated.feature]
    assert names == list(dict.fromkeys((*schema.TRAIN_FEATURES, *schema.EVALUATION_FEATURES)))
    required = [feature.name for feature in curated.feature if feature.presence.min_fraction == 1.0]
    assert required == list(schema.HISTORY_FEATURES)
    domains = {domain.name: list(domain.value) for domain in curated.string_domain}
    assert domains == {
        schema.HISTORY_LENGTH_BUCKET: [*dict(schema.HISTORY_LENGTH_BUCKETS), schema.HISTORY_LENGTH_OVERFLOW],
        schema.TARGET_POPULARITY_BUCKET: [*dict(schema.POPULARITY_BUCKETS), schema.POPULARITY_OVERFLOW],
    }
