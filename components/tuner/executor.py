"""Runs the search with the vocabulary's path among its settings, and writes what it found."""

import json
from pathlib import Path
from typing import Any

from tfx.components.tuner import executor
from tfx.types import artifact_utils, standard_component_specs

from components.trainer.choice import VOCABULARY_KEY
from components.tuner.results import write_results


class Executor(executor.Executor):
    """TFX's Tuner, which knows of no vocabulary, and a table of the trials."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Searches.

        Args:
            input_dict: `examples`, `schema` and `vocabulary`.
            output_dict: `best_hyperparameters` and `tuner_results`.
            exec_properties: `tuner_fn` and `custom_config`.
        """
        settings = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        settings[VOCABULARY_KEY] = artifact_utils.get_single_uri(input_dict[VOCABULARY_KEY])
        properties = {**exec_properties, standard_component_specs.CUSTOM_CONFIG_KEY: json.dumps(settings)}
        tuner = executor.search(input_dict, properties, self._get_tmp_dir(), print_tuning_summary=False)
        executor.write_best_hyperparameters(tuner, output_dict)
        results = artifact_utils.get_single_uri(output_dict[standard_component_specs.TUNER_RESULTS_KEY])
        write_results(Path(results), tuner.report())
