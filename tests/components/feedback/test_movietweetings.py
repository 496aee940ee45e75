"""The Beam pipeline on the shipped data."""

import json
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.feedback.config import FeedbackConfig, TitlesConfig
from components.feedback.run import LOCAL_BEAM_ARGS, run
from components.feedback.writing.account import NAMESPACE
from components.feedback.writing.output import Folders
from tests.components.feedback import reference, support
from tests.components.feedback.reference import Row

DATA = Path(__file__).parents[3] / "data" / "movietweetings"


@pytest.fixture(scope="module")
def movietweetings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Any]:
    """(folder, statistics, Beam's result) of the shipped data at threshold 8."""
    folder = tmp_path_factory.mktemp("movietweetings")
    config = FeedbackConfig(files=["ratings.parquet"], base=str(DATA), positive=8.0, titles=TitlesConfig("movies.csv"))
    folders = Folders(str(folder), str(folder / "vocabulary"), str(folder / "statistics"))
    result = run(config, folders, lambda: beam.Pipeline(options=PipelineOptions(list(LOCAL_BEAM_ARGS))))
    return folder, json.loads((folder / "statistics" / "statistics.json").read_text()), result


def test_shipped_data() -> None:
    table = pq.read_table(DATA / "ratings.parquet")
    assert table.slice(0, 3).to_pylist() == [
        {"user": "1", "item": "1074638", "value": 7, "timestamp": 1365029107},
        {"user": "1", "item": "1853728", "value": 8, "timestamp": 1366576639},
        {"user": "2", "item": "0104257", "value": 8, "timestamp": 1364690142},
    ]
    assert [len(set(table.column(name).to_pylist())) for name in ("user", "item")] == [16_554, 10_506]
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 2 << 20


def test_facts_of_movietweetings(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    """The numbers that the design gives for threshold 8."""
    _, statistics, _ = movietweetings
    assert statistics["rows"]["read"] == 100_000
    assert statistics["filtered_rows"] == 69_299
    assert statistics["users"] == {
        "read": 16_554,
        "filtered": 4_373,
        "training": 4_298,
        "heldout": 2_074,
        "heldout_with_enough_positives": 1_810,
    }
    assert statistics["items"] == {"read": 10_506, "filtered": 2_721, "catalogue": 2_707}
    assert statistics["split"] == {
        "rule": "global_time",
        "time": 1376602288,
        "time_unit": "seconds",
        "date": "2013-08-15 21:31:28 UTC",
    }
    assert statistics["training_rows"] == 62_368
    assert statistics["examples"]["train"] == {"all": 3_810}
    assert sum(statistics["rows"]["kept"]["train"].values()) == 58_988
    accounted = sum(statistics["rows"]["dropped"].values())
    accounted += sum(sum(part.values()) for part in statistics["rows"]["kept"].values())
    assert accounted == 100_000


def test_movietweetings_equals_the_reference(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    folder, statistics, _ = movietweetings
    table = pq.read_table(DATA / "ratings.parquet").to_pydict()
    columns = zip(table["user"], table["item"], table["value"], table["timestamp"], strict=True)
    rows = [Row(user, item, value, time, "train", n) for n, (user, item, value, time) in enumerate(columns)]
    expected = reference.run(rows, FeedbackConfig(files=["-"], positive=8.0))
    assert support.all_examples(folder) == expected.examples
    vocabulary = support.vocabulary(folder)
    titles = {entry["item_id"]: entry.pop("title") for entry in vocabulary}
    assert vocabulary == expected.vocabulary
    assert titles["0110912"] == "Pulp Fiction (1994)"
    assert {name: n for name, n in statistics["rows"]["dropped"].items() if n} == dict(+expected.dropped)


def test_margins_of_movietweetings(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    """Whole ratings and a threshold of 8: the boundary lies at 7.5."""
    found: dict[int, set[float]] = {0: set(), 1: set()}
    for example in support.read_examples(movietweetings[0], "train"):
        for is_positive, margin in zip(example["history_is_positive"], example["history_margins"], strict=True):
            found[is_positive].add(margin)
    assert found == {1: {0.5, 1.5, 2.5}, 0: {0.5 + n for n in range(8)}}


def test_counters_say_what_the_statistics_say(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    _, statistics, result = movietweetings
    query = beam.metrics.MetricsFilter().with_namespace(NAMESPACE)
    counters = {counter.key.metric.name: counter.result for counter in result.metrics().query(query)["counters"]}
    expected = {"rows_read": 100_000}
    expected |= {f"dropped_{name}": number for name, number in statistics["rows"]["dropped"].items() if number}
    for split, part in statistics["rows"]["kept"].items():
        expected |= {f"kept_{split}_{polarity}": number for polarity, number in part.items()}
        expected[f"examples_{split}"] = statistics["examples"][split]["all"]
    assert {name: counters[name] for name in expected} == expected
