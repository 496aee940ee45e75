"""A sample of the examples is some of the files: which ones, and what StatisticsGen then counts."""

import fnmatch
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components.data_contract.sample import Executor, choose
from components.feedback.config import FeedbackConfig
from components.feedback.run import generate
from pnfrec_core import schema

pytestmark = pytest.mark.tensorflow
SHARDS = 12


def names(number: int) -> list[str]:
    return [f"data_tfrecord-{shard:05d}-of-{number:05d}.gz" for shard in range(number)]


@pytest.mark.parametrize(
    ("number", "rate", "expected"),
    [
        (1, 0.1, 1),
        (7, 0.3, 3),
        (20, 0.001, 1),
        (20, 0.1, 2),
        (20, 0.3, 6),
        (20, 0.55, 12),
        (20, 0.65, 14),
        (20, 0.99, 20),
        (80, 0.1, 8),
        (1000, 0.001, 1),
        (1000, 0.015, 20),
        (1000, 0.1, 100),
        (1000, 0.25, 300),
    ],
)
def test_the_fewest_files_that_are_enough_and_that_a_pattern_names(number: int, rate: float, expected: int) -> None:
    pattern, count = choose(names(number), rate)
    assert count == len(fnmatch.filter(names(number), pattern)) == expected
    assert choose(names(number), rate) == (pattern, count)


def test_of_other_names_all_are_taken() -> None:
    assert choose(["a.gz", "b.gz"], 0.5) == ("*", 2)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    draws = np.random.default_rng(3)
    columns = {
        "user": draws.integers(300, size=6_000).astype(str),
        "item": draws.integers(40, size=6_000).astype(str),
        "value": draws.integers(1, 6, size=6_000).astype(float),
        "timestamp": 1_600_000_000 + draws.integers(30_000_000, size=6_000),
    }
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    generate(FeedbackConfig(files=["rows.parquet"], base=str(folder), positive=4.0, shards=SHARDS), folder / "out")
    return folder / "out"


def counted(examples: Path, folder: Path, rate: float) -> tuple[dict[str, int], dict[str, Any]]:
    """Examples that the statistics of each split are of, and the shares that the artifact tells."""
    found, told = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    found.uri, told.uri = str(examples), str(folder / "told")
    found.split_names = artifact_utils.encode_split_names(list(schema.SPLITS))
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=DirectRunner"], tmp_dir=str(folder / "tmp")
    )
    rates = json.dumps({schema.TRAIN_SPLIT: rate})
    Executor(context).Do({"examples": [found]}, {"statistics": [told]}, {"sample_rate_by_split": rates})
    assert not found.has_custom_property("custom_split_pattern")  # the artifact of others is left as it is
    counts = {}
    for split in schema.SPLITS:
        data = (folder / "told" / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        (dataset,) = statistics_pb2.DatasetFeatureStatisticsList.FromString(data).datasets
        counts[split] = dataset.num_examples
    return counts, json.loads(told.get_json_value_custom_property("sample_rate_by_split"))


def records(examples: Path, split: str, shards: list[int]) -> int:
    files = [str(examples / f"Split-{split}" / names(SHARDS)[shard]) for shard in shards]
    return sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))


def test_statistics_are_those_of_the_files_and_of_all_that_is_held_out(examples: Path, tmp_path: Path) -> None:
    counts, shares = counted(examples, tmp_path, 0.2)
    everything = list(range(SHARDS))
    assert counts == {
        "train": records(examples, "train", [0, 1, 2]),
        "validation": records(examples, "validation", everything),
        "test": records(examples, "test", everything),
    }
    assert 0 < counts["train"] < records(examples, "train", everything) / 2
    assert shares == {"train": 0.25, "validation": 1.0, "test": 1.0}
