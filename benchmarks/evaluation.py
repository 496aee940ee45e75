"""Evaluating many users over a large catalogue: Keras' `model.evaluate`, and TFX's Evaluator with all measures.

    python -m benchmarks.evaluation                       # 100,000 users, 27,000 items
    python -m benchmarks.evaluation --users 6000 --items 3416

Histories have up to 50 positive items and 144 seen ones on average, as ML-20M's; the weights are random, which ranks no
faster. The Evaluator judges the model alone, without a baseline; a baseline doubles the model's part.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import measure
from benchmarks.measure import Side
from pnfrec_core import schema

LENGTH, DIM = 50, 64


def histories(users: int, items: int, seed: int = 0) -> tuple[list[Any], list[Any], Any, Any]:
    """Positive items and all seen items of each user, targets and their polarity; indices from 1."""
    generator = np.random.default_rng(seed)
    lengths = np.maximum(generator.lognormal(np.log(87), 1.0, users), 10).astype(np.int64)
    weights = np.cumsum(1.0 / np.arange(1, items + 1) ** 0.8)
    drawn = np.searchsorted(weights / weights[-1], generator.random(int(lengths.sum() + users))) + 1
    drawn = np.minimum(drawn, items).astype(np.int32)
    seen = np.split(drawn[users:], np.cumsum(lengths)[:-1])
    positive = [row[generator.random(len(row)) < 0.55] for row in seen]
    return positive, seen, drawn[:users], generator.integers(0, 2, users).astype(np.int32)


def keras_evaluation(users: int, items: int) -> dict[str, Any]:
    """Seconds of `model.evaluate` once its graph is built."""
    import tensorflow as tf

    from pnfrec_keras.config import ModelConfig, TrainingConfig
    from pnfrec_keras.examples.arrays import EvaluationArrays, evaluation_dataset, pad
    from pnfrec_keras.training.build import build_model

    positive, seen, target, polarity = histories(users, items)
    arrays = EvaluationArrays(pad(positive, LENGTH), seen, target, polarity)
    training = TrainingConfig()
    model = build_model(items, ModelConfig(max_length=LENGTH, dim=DIM), training)
    few = EvaluationArrays(arrays.positive[:64], seen[:64], target[:64], polarity[:64])
    begin = time.perf_counter()
    model.evaluate(evaluation_dataset(few, training.evaluation_batch_size), verbose=0)
    build = time.perf_counter() - begin
    begin = time.perf_counter()
    logs = model.evaluate(evaluation_dataset(arrays, training.evaluation_batch_size), verbose=0, return_dict=True)
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "build": build,
        "ndcg_p": float(logs["ndcg_p"]),
        "version": f"tensorflow {tf.__version__}",
    }


def evaluator(users: int, items: int) -> dict[str, Any]:
    """Seconds of TFX's Evaluator, as the pipeline calls it: from the example files to the blessing."""
    from tfx.components.evaluator import executor
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import json_utils, proto_utils

    from components.gate import config, eval_config
    from pipeline.config import BeamConfig

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_examples(root / "examples" / f"Split-{schema.TEST_SPLIT}", users, items)
        write_model(root / "model" / "Format-Serving", items)
        examples, model, evaluation, blessing = (
            _artifact(kind, root / name)
            for kind, name in (
                (standard_artifacts.Examples, "examples"),
                (standard_artifacts.Model, "model"),
                (standard_artifacts.ModelEvaluation, "evaluation"),
                (standard_artifacts.ModelBlessing, "blessing"),
            )
        )
        examples.split_names = artifact_utils.encode_split_names([schema.TEST_SPLIT])
        gate = config.GateConfig(bounds={"ndcg_p": config.BoundConfig(min=0.0)})
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=BeamConfig().arguments(), tmp_dir=str(root / "tmp"), unique_id="bench"
        )
        settings = {
            "eval_config": proto_utils.proto_to_json(eval_config.make_eval_config(gate)),
            "example_splits": json_utils.dumps([schema.TEST_SPLIT]),
            "feature_slicing_spec": None,
            "fairness_indicator_thresholds": None,
            "module_path": "components.gate.extractors",
        }
        begin = time.perf_counter()
        executor.Executor(context).Do(
            {"examples": [examples], "model": [model]}, {"evaluation": [evaluation], "blessing": [blessing]}, settings
        )
        return {"seconds": time.perf_counter() - begin}


def _artifact(kind: Any, folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def write_model(path: Path, items: int) -> None:
    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    counts = np.arange(items, 0, -1)
    export_saved_model(
        PNFRec(items, max_length=LENGTH, dim=DIM),
        Vocabulary([str(1 + item) for item in range(items)], counts, counts),
        path,
    )


def write_examples(folder: Path, users: int, items: int) -> None:
    import tensorflow as tf

    def ids(row: Any) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"%d" % item for item in row]))

    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data.gz"), tf.io.TFRecordOptions("GZIP", compression_level=1)) as writer:
        for user, (positive, seen, target, polarity) in enumerate(zip(*histories(users, items), strict=True)):
            bucket = min(len(seen) // 40, 4)
            features = {
                schema.USER_ID: ids([user]),
                schema.POSITIVE_ITEM_IDS: ids(positive),
                schema.NEGATIVE_ITEM_IDS: ids([]),
                schema.SEEN_ITEM_IDS: ids(seen),
                schema.TARGET_ITEM_ID: ids([target]),
                schema.TARGET_IS_POSITIVE: tf.train.Feature(int64_list=tf.train.Int64List(value=[polarity])),
                schema.HISTORY_LENGTH_BUCKET: ids([bucket]),
                schema.TARGET_POPULARITY_BUCKET: ids([target * 3 // (items + 1)]),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--one", choices=["keras", "evaluator"], help="one side, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        run = {"keras": keras_evaluation, "evaluator": evaluator}[arguments.one]
        found = run(arguments.users, arguments.items)
        found["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        sys.stdout.write(json.dumps(found) + "\n")
        return
    size = ("--users", str(arguments.users), "--items", str(arguments.items))
    sides = [Side(name, "benchmarks.evaluation", (*size, "--one", name)) for name in ("keras", "evaluator")]
    runs = measure.in_turn(sides, arguments.rounds)
    header = ["", "seconds", "users/s", "memory"]
    rows = [
        [name, f"{median:.1f}", f"{arguments.users / median:,.0f}", f"{measure.median(found, 'peak_gib'):.2f} GiB"]
        for name, found in runs.items()
        for median in [measure.median(found, "seconds")]
    ]
    measure.say(f"\n{arguments.users:,} users, {arguments.items:,} items:\n" + measure.table(header, rows))
    path = measure.store("evaluation", {"users": arguments.users, "items": arguments.items, "runs": runs})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
