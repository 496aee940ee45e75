"""One training, of the Trainer or of a trial of the Tuner: reads artifacts and fits a model."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.trainer.choice import MODEL, TRAINING, VOCABULARY_KEY
from pnfrec_core import schema
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pnfrec_core import events
    from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
    from pnfrec_keras.training.fitting import TrainingResult
    from pnfrec_keras.training.warm import WarmStart


@dataclasses.dataclass(frozen=True)
class Data:
    """What a training reads.

    Attributes:
        vocabulary: The catalogue.
        train: Sequences that the model is fitted on.
        validation: Examples that choose its best epoch.
    """

    vocabulary: Vocabulary
    train: "TrainingArrays"
    validation: "EvaluationArrays"


def read_data(fn_args: Any, model_config: ModelConfig) -> Data:
    """The data that `fn_args`, a `tfx.components.FnArgs`, names."""
    # TensorFlow and Keras load when there is something to train, not when the pipeline is compiled.
    from pnfrec_keras.examples.records import read_evaluation

    vocabulary = Vocabulary.read(Path(fn_args.custom_config[VOCABULARY_KEY]) / schema.VOCABULARY_FILE)
    train = read_sequences(fn_args.train_files, vocabulary, model_config)
    return Data(vocabulary, train, read_evaluation(fn_args.eval_files, vocabulary, model_config.max_length))


def read_sequences(files: Sequence[str], vocabulary: Vocabulary, model_config: ModelConfig) -> "TrainingArrays":
    """The training sequences of example files, with all that a network of these settings reads."""
    from pnfrec_keras.examples.records import needs_of, read_training

    return read_training(files, vocabulary, model_config.max_length, **needs_of(model_config))


def train(
    data: Data,
    settings: Mapping[str, Any],
    state_dir: Path,
    report: "events.Report | None" = None,
    log_dir: str | None = None,
    initial: "WarmStart | None" = None,
) -> "TrainingResult":
    """Fits a model.

    Args:
        data: Of `read_data`.
        settings: With the sections "model" and "training".
        state_dir: Where an interrupted training leaves its state, and finds it again.
        report: Gets what happens as events; by default they are logged.
        log_dir: Where TensorBoard's events go; None writes none.
        initial: What the training begins with; None: from scratch.
    """
    from pnfrec_keras.training import fitting

    return fitting.train(
        len(data.vocabulary),
        data.train,
        data.validation,
        ModelConfig(**settings[MODEL]),
        TrainingConfig(**settings[TRAINING]),
        state_dir=state_dir,
        log_dir=log_dir,
        popularity=data.vocabulary.popularity(),
        initial=initial,
        report=report,
    )
