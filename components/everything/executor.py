"""Executor of EverythingGen: Beam inside TFX."""

import json
import logging
import os
from typing import Any

from tfx import types
from tfx.components.example_gen import write_split
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.everything.rules import everything
from components.feedback.config import from_json
from components.feedback.executor import pipeline_root_of
from components.feedback.reading.inventory import is_current
from components.feedback.reading.stores import open_stores_with
from components.feedback.run import run
from components.feedback.writing.output import Folders
from components.feedback.writing.statistics import STATISTICS_FILE
from pnfrec_core import schema

log = logging.getLogger(__name__)

# Keys of the component's parameters, inputs and outputs.
FEEDBACK, INVENTORY, CODE = "feedback", "inventory", "code"
JUDGED = "judged_statistics"
EXAMPLES, VOCABULARY, STATISTICS = "examples", "vocabulary", "statistics"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs the data protocol with nothing held out."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes examples, vocabulary and statistics.

        Args:
            input_dict: `judged_statistics` of FeedbackGen, which say what its rules came to.
            output_dict: `examples` with the split "train", `vocabulary` and `statistics`, one artifact each.
            exec_properties: `feedback` holds the FeedbackConfig of the run as JSON.

        Raises:
            FeedbackError: The input or its settings cannot be used.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        path = os.path.join(artifact_utils.get_single_uri(input_dict[JUDGED]), STATISTICS_FILE)
        feedback = from_json(exec_properties[FEEDBACK])
        open_stores_with(self._beam_pipeline_args or ())
        if not is_current(feedback, exec_properties[INVENTORY]):
            # A training lies between FeedbackGen and this, in which new rows may have come: no reason to push nothing.
            log.warning("The files of the feedback have changed since the run began: everything is what they hold now.")
        with fileio.open(path) as stream:
            config = everything(feedback, json.loads(stream.read()))
        examples, vocabulary, statistics = (
            artifact_utils.get_single_instance(output_dict[key]) for key in (EXAMPLES, VOCABULARY, STATISTICS)
        )
        folders = Folders(examples.uri, vocabulary.uri, statistics.uri)
        # What FeedbackGen has read a moment ago is read no second time.
        run(config, folders, self._make_beam_pipeline, pipeline_root=pipeline_root_of(examples.uri))
        examples.split_names = artifact_utils.encode_split_names([schema.TRAIN_SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, write_split.to_file_format_str(example_gen_pb2.FORMAT_TFRECORDS_GZIP))
        log.info("EverythingGen wrote %s.", examples.uri)
