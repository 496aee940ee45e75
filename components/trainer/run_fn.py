"""`run_fn` of the Trainer: reads artifacts, calls `pnfrec_keras`, writes the model."""

import json
import logging
from pathlib import Path
from typing import Any

from components.trainer.choice import MODEL, TRAINING, with_choice
from components.trainer.exporting import export, versions
from components.trainer.state import state_dir
from components.trainer.training import read_data, train
from components.warm.start import WARM, days_of, is_due, warm_settings, warm_start
from pnfrec_core import events
from pnfrec_keras.config import ModelConfig

log = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains and exports.

    Args:
        fn_args: `tfx.components.FnArgs`: train_files, eval_files, serving_model_dir, model_run_dir, custom_config,
            hyperparameters where a Tuner chose some, and base_model where there is one to begin with.
    """
    # TensorFlow and Keras load when there is something to train, not when the pipeline is compiled.
    from pnfrec_keras.examples.arrays import steps_per_epoch
    from pnfrec_keras.training import fitting

    choice: dict[str, Any] = (fn_args.hyperparameters or {}).get("values", {})
    settings = with_choice(fn_args.custom_config, choice)
    events.report(log, events.ReadingExamples())
    data = read_data(fn_args, ModelConfig(**settings[MODEL]))
    vocabulary, validation = data.vocabulary, data.validation
    earlier = fn_args.base_model or ""
    initial = None
    if is_due(earlier, settings.get(WARM)):
        initial = warm_start(earlier, settings[WARM], vocabulary, ModelConfig(**settings[MODEL]))
    settings, earlier = (settings, "") if initial is None else (warm_settings(settings), earlier)
    state = state_dir(settings, [*fn_args.train_files, *fn_args.eval_files], earlier)
    result = train(data, settings, state, log_dir=fn_args.model_run_dir, initial=initial)
    facts = {
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        "steps_per_epoch": steps_per_epoch(data.train, settings[TRAINING]["batch_size"]),
        **of_best_epoch(result.history[result.best_epoch - 1]),
        "training_users": len(data.train),
        "validation_examples": len(validation),
        "items": len(vocabulary),
        "versions": versions(),
        **({"tuner": choice} if choice else {}),
        **({WARM: {"from": earlier, "days": days_of(Path(earlier)) + 1}} if earlier else {}),
    }
    export(result.model, vocabulary, fn_args.serving_model_dir, settings, facts)
    Path(fn_args.model_run_dir, "history.json").write_text(json.dumps(result.history, indent=1), encoding="utf-8")
    fitting.discard_state(state)


def of_best_epoch(measured: dict[str, float]) -> dict[str, dict[str, float]]:
    """What the manifest says of the best epoch: the losses of its training, and the measures of its validation."""
    losses = {name: value for name, value in measured.items() if not name.startswith("val_")}
    return {"training_losses": losses, "validation": {name: measured[name] for name in measured if name not in losses}}
