"""Runs `run_fn` with the vocabulary's path among its settings."""

from typing import Any

from tfx.components.trainer import executor
from tfx.types import artifact_utils

from components.trainer.choice import VOCABULARY_KEY


class Executor(executor.GenericExecutor):
    """TFX's generic Trainer, which knows of no vocabulary, and one line more."""

    def _GetFnArgs(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> Any:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        fn_args.custom_config[VOCABULARY_KEY] = artifact_utils.get_single_uri(input_dict[VOCABULARY_KEY])
        return fn_args
