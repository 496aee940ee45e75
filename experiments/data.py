"""Prepared data of a study: FeedbackGen's output, made once for each set of feedback settings."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

from experiments.study import digest
from pipeline.config import PipelineConfig
from pnfrec_keras import schema


def prepared(config: PipelineConfig, folder: Path) -> Path:
    """The folder of examples and vocabulary for `config.feedback`, made now unless it is there.

    Raises:
        FeedbackError: The input or its settings cannot be used.
    """
    files = sorted(Path(path) for path in _matches(config))
    facts = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    target = folder / digest([dataclasses.asdict(config.feedback), facts])
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # Of Beam's Google client libraries, which are not used here.
            warnings.simplefilter("ignore")
            from components.feedback.run import generate
        generate(config.feedback, target, config.beam.arguments())
    return target


def _matches(config: PipelineConfig) -> list[str]:
    import glob

    return [match for pattern in config.feedback.files for match in glob.glob(str(Path(config.feedback.base, pattern)))]


def users_of(folder: Path, split: str) -> Any:
    """Number of the user of each example of a split, in the order in which `read_evaluation` gives them."""
    import numpy as np
    import tensorflow as tf

    spec = {schema.USER_ID: tf.io.FixedLenFeature([], tf.string)}
    files = sorted(str(path) for path in (folder / f"Split-{split}").glob("*"))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(4096)
    ids = [tf.io.parse_example(batch, spec)[schema.USER_ID].numpy() for batch in records]
    return np.unique(np.concatenate(ids), return_inverse=True)[1]
