"""One training run for `benchmarks/sampled.py`: `pnfrec_keras.training.fitting.train` as the Trainer calls it."""

import argparse
import dataclasses
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from benchmarks.measure import ROOT
from pipeline.config import load_config
from pnfrec_core import schema
from pnfrec_keras.examples.records import read_evaluation, read_training
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.training.fitting import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("feedback", help="what `components.feedback.run.generate` wrote")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="on configs/movietweetings.yaml"
    )
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    config = load_config(ROOT / "configs" / "movietweetings.yaml", arguments.set)
    folder = Path(arguments.feedback)
    vocabulary = Vocabulary.read(folder / "vocabulary" / schema.VOCABULARY_FILE)
    length = config.model.max_length
    examples = read_training(str(folder / f"Split-{schema.TRAIN_SPLIT}" / "*"), vocabulary, length)
    validation = read_evaluation(str(folder / f"Split-{schema.VALIDATION_SPLIT}" / "*"), vocabulary, length)
    ends: list[float] = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as state:
        result = train(
            *(len(vocabulary), examples, validation, config.model, config.training),
            state_dir=state,
            progress=lambda *_: ends.append(time.perf_counter()),
        )
    measured = {
        "seconds": [end - begin for begin, end in itertools.pairwise(ends)],  # with validation
        "best_epoch": result.best_epoch,
        "best": result.history[result.best_epoch - 1],
        "ndcg": [epoch["val_ndcg_p"] for epoch in result.history],
        "items": len(vocabulary),
        "model": dataclasses.asdict(config.model),
        "version": f"tensorflow {tf.__version__}",
    }
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
