"""The Tuner of TFX with one more input: the item vocabulary that FeedbackGen made."""

import json
from typing import Any, ClassVar

from tfx import types
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base import executor_spec
from tfx.proto import trainer_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.trainer.choice import VOCABULARY_KEY
from components.tuner import executor
from components.tuner.origin import CHOICE
from pnfrec_artifacts import ItemVocabulary

CODE_KEY = "code"
TUNER_FN = "components.tuner.tuner_fn.tuner_fn"


class SequenceTunerSpec(types.ComponentSpec):
    """TunerSpec, the vocabulary, and the code as part of the cache key."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        **standard_component_specs.TunerSpec.PARAMETERS,
        CODE_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        **standard_component_specs.TunerSpec.INPUTS,
        VOCABULARY_KEY: ChannelParameter(type=ItemVocabulary),
    }
    OUTPUTS = standard_component_specs.TunerSpec.OUTPUTS


class SequenceTuner(Tuner):
    """Searches for the settings that `SequenceTrainer` then takes: see `components.tuner.config.TunerConfig`.

    Outputs: `best_hyperparameters`, and `tuner_results` with `trials.csv` and `summary.txt` beside TFX's own file.

    Args:
        examples: With the splits "train" and "validation".
        vocabulary: The catalogue.
        schema: Curated schema; ties the choice to the data contract it was made under.
        custom_config: JSON-able settings for `tuner_fn`: "model", "training", "tuner" and "state_dir".
    """

    SPEC_CLASS = SequenceTunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        vocabulary: types.BaseChannel,
        schema: types.BaseChannel,
        custom_config: dict[str, Any],
    ) -> None:
        spec = SequenceTunerSpec(
            examples=examples,
            vocabulary=vocabulary,
            schema=schema,
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
            tuner_fn=TUNER_FN,
            custom_config=json.dumps(custom_config, sort_keys=True),
            code=CHOICE.digest(),
            best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
            tuner_results=types.Channel(type=standard_artifacts.TunerResults),
        )
        # Tuner's own __init__ takes no input beyond TFX's; its base does.
        super(Tuner, self).__init__(spec=spec)
