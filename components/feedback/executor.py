"""Executor of FeedbackGen: Beam inside TFX."""

import logging
from typing import Any

from tfx import types
from tfx.components.example_gen import write_split
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.feedback.config import from_json
from components.feedback.reading.inventory import is_current
from components.feedback.reading.stores import open_stores_with
from components.feedback.run import run
from components.feedback.writing.output import Folders
from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError

logger = logging.getLogger(__name__)

# Keys of the component's own parameter and outputs.
FEEDBACK = "feedback"
INVENTORY = "inventory"
CODE = "code"
VOCABULARY = "vocabulary"
STATISTICS = "statistics"


def pipeline_root_of(uri: str) -> str:
    """The folder of all artifacts of a pipeline, in which TFX gives each `<node>/<output>/<execution>`."""
    return uri.rstrip("/").rsplit("/", 3)[0]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs the data protocol and writes the three artifacts."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes examples, vocabulary and statistics.

        Args:
            input_dict: Empty.
            output_dict: `examples`, `vocabulary` and `statistics`, one artifact each.
            exec_properties: `feedback` holds the FeedbackConfig as JSON; the rest is the driver's.

        Raises:
            FeedbackError: The input or its settings cannot be used, or the files have changed since the run began.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        vocabulary = artifact_utils.get_single_instance(output_dict[VOCABULARY])
        statistics = artifact_utils.get_single_instance(output_dict[STATISTICS])
        folders = Folders(examples.uri, vocabulary.uri, statistics.uri)
        config = from_json(exec_properties[FEEDBACK])
        open_stores_with(self._beam_pipeline_args or ())
        if not is_current(config, exec_properties[INVENTORY]):
            # A later run that met the earlier files again would take this result for theirs.
            msg = (
                "The files of the feedback have changed since this run began: one was written, replaced, added or "
                "removed. Nothing is made of them. Run again once they are complete."
            )
            raise FeedbackError(msg)
        run(config, folders, self._make_beam_pipeline, pipeline_root=pipeline_root_of(examples.uri))
        splits = [*schema.SPLITS, *([schema.TEST_RANDOM_SPLIT] if config.random_files else [])]
        examples.split_names = artifact_utils.encode_split_names(splits)
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, write_split.to_file_format_str(example_gen_pb2.FORMAT_TFRECORDS_GZIP))
        logger.info("FeedbackGen wrote %s.", examples.uri)
