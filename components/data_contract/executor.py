"""Executor of CuratedSchema."""

from typing import Any

from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.types import standard_component_specs

from components.data_contract import SCHEMA_FILE


class Executor(executor.Executor):  # type: ignore[misc]
    """TFX's, which takes the schema of this installation where no file is named."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the schema.

        Args:
            input_dict: Empty.
            output_dict: `schema`.
            exec_properties: `schema_file`; "" is the schema beside this file, wherever that is installed.
        """
        named = exec_properties[standard_component_specs.SCHEMA_FILE_KEY] or str(SCHEMA_FILE)
        super().Do(input_dict, output_dict, {**exec_properties, standard_component_specs.SCHEMA_FILE_KEY: named})
