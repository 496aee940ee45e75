"""`run_fn` of the Trainer: reads artifacts, calls `pnfrec_keras`, writes the model."""

import hashlib
import json
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.trainer.choice import EXPORT, MODEL, RESOLVED_CONFIG, STATE_DIR, TRAINING, with_choice
from components.trainer.executor import SOURCES, VOCABULARY_KEY
from pnfrec_core import events, schema
from pnfrec_core.provenance import code_version
from pnfrec_core.variants import variant_of
from pnfrec_keras.config import ExportConfig, ModelConfig, TrainingConfig
from pnfrec_keras.examples.vocabulary import Vocabulary

log = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains and exports.

    Args:
        fn_args: `tfx.components.FnArgs`: train_files, eval_files, serving_model_dir, model_run_dir, custom_config, and
            hyperparameters where a Tuner chose some.
    """
    # TensorFlow and Keras load when there is something to train, not when the pipeline is compiled.
    from pnfrec_keras.export.saved_model import export_saved_model, manifest
    from pnfrec_keras.training import fitting

    choice: dict[str, Any] = (fn_args.hyperparameters or {}).get("values", {})
    settings = with_choice(fn_args.custom_config, choice)
    model_config = ModelConfig(**settings[MODEL])
    training_config = TrainingConfig(**settings[TRAINING])
    export_config = ExportConfig(**settings[EXPORT])
    events.report(log, events.ReadingExamples())
    vocabulary, train, validation = read_data(fn_args, model_config)
    state = state_dir(settings, [*fn_args.train_files, *fn_args.eval_files])
    result = fitting.fit(
        len(vocabulary),
        train,
        validation,
        model_config,
        training_config,
        state_dir=state,
        log_dir=fn_args.model_run_dir,
        popularity=vocabulary.popularity(),
    )
    facts = {
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        **of_best_epoch(result.history[result.best_epoch - 1]),
        "training_users": len(train),
        "validation_examples": len(validation),
        "items": len(vocabulary),
        "versions": _versions(),
        **({"tuner": choice} if choice else {}),
    }
    export_saved_model(
        result.model,
        vocabulary,
        fn_args.serving_model_dir,
        index=export_config.index,
        rule=export_config.rule,
        gamma=export_config.gamma,
        recency=export_config.recency,
        extra_assets={"config.yaml": settings[RESOLVED_CONFIG], "manifest.json": manifest(facts)},
    )
    Path(fn_args.model_run_dir, "history.json").write_text(json.dumps(result.history, indent=1), encoding="utf-8")
    fitting.discard_state(state)


def read_data(fn_args: Any, model_config: ModelConfig) -> tuple[Vocabulary, Any, Any]:
    """The vocabulary, the `TrainingArrays` and the `EvaluationArrays` of validation that `fn_args` names."""
    from pnfrec_keras.examples.records import read_evaluation, read_training

    vocabulary = Vocabulary.read(Path(fn_args.custom_config[VOCABULARY_KEY]) / schema.VOCABULARY_FILE)
    mixed = variant_of(model_config.variant).mixed
    train = read_training(
        *(fn_args.train_files, vocabulary, model_config.max_length),
        mixed=mixed,
        margins=model_config.soft_boundary > 0,
        days=model_config.trend_days > 0,
    )
    return vocabulary, train, read_evaluation(fn_args.eval_files, vocabulary, model_config.max_length)


def state_dir(settings: dict[str, Any], patterns: Sequence[str]) -> Path:
    """Where an interrupted run of the same code with the same settings and example files has left its state."""
    key = json.dumps([settings[MODEL], settings[TRAINING], sorted(patterns), code_version(*SOURCES)], sort_keys=True)
    return Path(settings[STATE_DIR]) / hashlib.sha256(key.encode()).hexdigest()[:16]


def of_best_epoch(measured: dict[str, float]) -> dict[str, dict[str, float]]:
    """What the manifest says of the best epoch: the losses of its training, and the measures of its validation."""
    losses = {name: value for name, value in measured.items() if not name.startswith("val_")}
    return {"training_losses": losses, "validation": {name: measured[name] for name in measured if name not in losses}}


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__, "python": platform.python_version()}
