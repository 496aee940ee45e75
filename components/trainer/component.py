"""The Trainer of TFX with one more input: the item vocabulary that FeedbackGen made."""

import json
from typing import Any, ClassVar

from tfx import types
from tfx.components.trainer.component import Trainer
from tfx.dsl.components.base import executor_spec
from tfx.proto import trainer_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.trainer import executor
from components.trainer.choice import VOCABULARY_KEY
from components.trainer.origin import MODEL
from pnfrec_artifacts import ItemVocabulary

CODE_KEY = "code"
RUN_FN = "components.trainer.run_fn.run_fn"


class SequenceTrainerSpec(types.ComponentSpec):
    """TrainerSpec, the vocabulary, and the code as part of the cache key."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        **standard_component_specs.TrainerSpec.PARAMETERS,
        CODE_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        **standard_component_specs.TrainerSpec.INPUTS,
        VOCABULARY_KEY: ChannelParameter(type=ItemVocabulary),
    }
    OUTPUTS = standard_component_specs.TrainerSpec.OUTPUTS


class SequenceTrainer(Trainer):
    """Fits a PNFRec on the training examples and exports it.

    Args:
        examples: With the splits "train" and "validation".
        vocabulary: The catalogue.
        schema: Curated schema; ties the model to the data contract it was trained under.
        custom_config: JSON-able settings for `run_fn`: "model", "training", "export" and "resolved_config".
        hyperparameters: The choice of a Tuner, which overrides the settings.
        base_model: An earlier model that the training begins with, by the settings "warm"; none where it is empty.
    """

    SPEC_CLASS = SequenceTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        vocabulary: types.BaseChannel,
        schema: types.BaseChannel,
        custom_config: dict[str, Any],
        hyperparameters: types.BaseChannel | None = None,
        base_model: types.BaseChannel | None = None,
    ) -> None:
        spec = SequenceTrainerSpec(
            examples=examples,
            vocabulary=vocabulary,
            schema=schema,
            hyperparameters=hyperparameters,
            base_model=base_model,
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
            run_fn=RUN_FN,
            custom_config=json.dumps(custom_config, sort_keys=True),
            code=MODEL.digest(),
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
        )
        # Trainer's own __init__ takes no input beyond TFX's; its base does.
        super(Trainer, self).__init__(spec=spec)
