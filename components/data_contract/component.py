"""CuratedSchema: ImportSchemaGen that notices when its file was edited."""

import hashlib
from pathlib import Path

from tfx import types
from tfx.components.schema_gen.import_schema_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.data_contract import SCHEMA_FILE, executor

DIGEST = "digest"


class CuratedSchemaSpec(standard_component_specs.ImportSchemaGenSpec):  # type: ignore[misc]
    """Specification of CuratedSchema."""

    PARAMETERS = {  # noqa: RUF012 (as TFX declares it)
        **standard_component_specs.ImportSchemaGenSpec.PARAMETERS,
        DIGEST: component_spec.ExecutionParameter(type=str),
    }


class CuratedSchema(component.ImportSchemaGen):  # type: ignore[misc]
    """Imports the curated schema. Its cache key holds the content of the file, where TFX's own holds the path alone: an
    edit that lifts an anomaly would never arrive.
    """

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: Path | None) -> None:
        """Makes the component.

        Args:
            schema_file: The schema as protobuf text. None takes that of the installation that the node runs in, for
                pipelines that are compiled on another machine.
        """
        spec = CuratedSchemaSpec(
            schema_file=str(schema_file or ""),
            digest=hashlib.sha256((schema_file or SCHEMA_FILE).read_bytes()).hexdigest(),
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super(component.ImportSchemaGen, self).__init__(spec=spec)
