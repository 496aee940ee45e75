"""Prepared data of a study: FeedbackGen's output, made once for each set of feedback settings."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.config import PipelineConfig
from pnfrec_core import schema
from pnfrec_core.provenance import code_version
from studies.study import digest


def prepared(config: PipelineConfig, folder: Path) -> Path:
    """The folder of examples and vocabulary for `config.feedback`, made now unless it is there.

    Raises:
        FeedbackError: The input or its settings cannot be used.
    """
    files = sorted(Path(path) for path in _matches(config))
    facts = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    target = folder / digest([dataclasses.asdict(config.feedback), facts, code_version("components/feedback")])
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


@dataclasses.dataclass(frozen=True)
class TargetKeys:
    """What names a target whatever the rule of polarity: its user, and how many interactions came before it.

    Attributes:
        user: Ids, of the targets of a split, in the order in which `read_evaluation` gives them.
        place: Length of the whole history.
    """

    user: npt.NDArray[np.str_]
    place: npt.NDArray[np.int64]


def keys_of(folder: Path, split: str) -> TargetKeys:
    """Names of the targets in a split of prepared data."""
    import tensorflow as tf

    spec = {
        schema.USER_ID: tf.io.FixedLenFeature([], tf.string),
        schema.SEEN_ITEM_IDS: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64),
    }
    files = sorted(str(path) for path in (folder / f"Split-{split}").glob("*"))
    users, places = [], []
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(4096):
        parsed = tf.io.parse_example(batch, spec)
        users.append(parsed[schema.USER_ID].numpy())
        places.append(parsed[schema.SEEN_ITEM_IDS].row_lengths().numpy())
    return TargetKeys(np.char.decode(np.concatenate(users).astype(bytes), "utf-8"), np.concatenate(places))
