"""`run_fn` of the Trainer: reads artifacts, calls `pnfrec_keras`, writes the model."""

import hashlib
import json
import logging
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from components.code_version import code_version
from components.trainer.executor import SOURCES, VOCABULARY_KEY
from pnfrec_keras import schema
from pnfrec_keras.config import ExportConfig, ModelConfig, TrainingConfig
from pnfrec_keras.variants import variant_of
from pnfrec_keras.vocabulary import Vocabulary

# Keys of custom_config.
MODEL, TRAINING, EXPORT = "model", "training", "export"
RESOLVED_CONFIG = "resolved_config"
STATE_DIR = "state_dir"

log = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains and exports.

    Args:
        fn_args: `tfx.components.FnArgs`: train_files, eval_files, serving_model_dir, model_run_dir and custom_config.
    """
    # TensorFlow and Keras load when there is something to train, not when the pipeline is compiled.
    from pnfrec_keras import training
    from pnfrec_keras.export import export_saved_model, manifest
    from pnfrec_keras.records import read_evaluation, read_training

    settings: dict[str, Any] = fn_args.custom_config
    model_config = ModelConfig(**settings[MODEL])
    training_config = TrainingConfig(**settings[TRAINING])
    export_config = ExportConfig(**settings[EXPORT])
    vocabulary = Vocabulary.read(Path(settings[VOCABULARY_KEY]) / schema.VOCABULARY_FILE)
    train = read_training(
        fn_args.train_files, vocabulary, model_config.max_length, mixed=variant_of(model_config.variant).mixed
    )
    validation = read_evaluation(fn_args.eval_files, vocabulary, model_config.max_length)
    log.info("Training on %d users, validating on %d, %d items.", len(train), len(validation), len(vocabulary))
    state_dir = _state_dir(settings, [*fn_args.train_files, *fn_args.eval_files])
    result = training.fit(
        len(vocabulary),
        train,
        validation,
        model_config,
        training_config,
        state_dir=state_dir,
        log_dir=fn_args.model_run_dir,
        popularity=vocabulary.popularity(),
        progress=_log_epoch(training_config.epochs),
    )
    facts = {
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        "validation": result.history[result.best_epoch - 1],
        "training_users": len(train),
        "validation_examples": len(validation),
        "items": len(vocabulary),
        "versions": _versions(),
    }
    export_saved_model(
        result.model,
        vocabulary,
        fn_args.serving_model_dir,
        index=export_config.index,
        rule=export_config.rule,
        gamma=export_config.gamma,
        extra_assets={"config.yaml": settings[RESOLVED_CONFIG], "manifest.json": manifest(facts)},
    )
    Path(fn_args.model_run_dir, "history.json").write_text(json.dumps(result.history, indent=1), encoding="utf-8")
    training.discard_state(state_dir)


def _state_dir(settings: dict[str, Any], patterns: Sequence[str]) -> Path:
    """Where an interrupted run of the same code with the same settings and example files has left its state."""
    key = json.dumps([settings[MODEL], settings[TRAINING], sorted(patterns), code_version(*SOURCES)], sort_keys=True)
    return Path(settings[STATE_DIR]) / hashlib.sha256(key.encode()).hexdigest()[:16]


def _log_epoch(epochs: int) -> Callable[[int, dict[str, float]], None]:
    def progress(epoch: int, logs: dict[str, float]) -> None:
        log.info(
            "epoch %d/%d: loss %.4f, validation NDCG %.4f, HR %.4f",
            *(epoch, epochs, logs["loss"], logs["val_ndcg_p"], logs["val_hr_p"]),
        )

    return progress


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__, "python": platform.python_version()}
