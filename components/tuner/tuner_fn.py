"""`tuner_fn` of the Tuner: reads artifacts, hands KerasTuner the space and the training of a trial."""

import dataclasses
import logging
from typing import Any

from components.trainer.choice import MODEL, SECTIONS, TRAINING
from components.tuner.config import tuner_from_dict
from components.tuner.space import combinations, holds, hyperparameters
from components.tuner.trials import Trials
from pnfrec_keras.config import ModelConfig, TrainingConfig

# Key of custom_config, beside those of `components.trainer.choice`.
TUNER = "tuner"

log = logging.getLogger(__name__)


def tuner_fn(fn_args: Any) -> Any:
    """Prepares the search.

    Args:
        fn_args: `tfx.components.FnArgs`: train_files, eval_files, working_dir and custom_config.

    Returns:
        A `TunerFnResult`.

    Raises:
        ValueError: The objective weighs disliked targets, and validation has none.
    """
    # KerasTuner, TensorFlow and Keras load when there is something to search, not when the pipeline is compiled.
    from tfx.components.tuner.component import TunerFnResult

    from components.tuner.search import Search, make_oracle

    config = tuner_from_dict(fn_args.custom_config[TUNER])
    model = ModelConfig(**fn_args.custom_config[MODEL])
    training = config.training_of_trials(TrainingConfig(**fn_args.custom_config[TRAINING]))
    settings = {**fn_args.custom_config, TRAINING: dataclasses.asdict(training)}
    trials = Trials(fn_args, settings)
    if config.delta_weight > 0 and trials.validation.is_positive.all():
        msg = (
            f"`tuner.delta_weight` ({config.delta_weight:g}) weighs how disliked targets rank, and validation has "
            "none. Check `feedback.positive` and the split, or set `tuner.delta_weight: 0`."
        )
        raise ValueError(msg)
    spaces = config.space.of_variant(model.variant)
    configured = {name: settings[SECTIONS[name]][name] for name in spaces}
    first = configured if holds(spaces, model.num_heads, configured) else None
    log.info("Tuning %s; the configuration is %s of the space.", ", ".join(spaces), "a part" if first else "no part")
    size = combinations(spaces, model.num_heads)
    oracle = make_oracle(config, hyperparameters(spaces, model.num_heads), first, size)
    return TunerFnResult(Search(oracle, trials.outcome, config.delta_weight, fn_args.working_dir), {})
