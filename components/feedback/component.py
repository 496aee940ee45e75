"""FeedbackGen, the ExampleGen of this project."""

import dataclasses
import glob
import os

from tfx import types
from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.feedback import executor
from components.feedback.config import FeedbackConfig, to_json
from components.feedback.origin import EXAMPLES
from components.feedback.reading.files import is_remote
from components.feedback.reading.input_files import find_input
from components.feedback.reading.inventory import inventory
from components.feedback.spans.pattern import SpanPattern, has_placeholder
from pnfrec_artifacts import FeedbackStatistics, ItemVocabulary
from pnfrec_core.errors import FeedbackError


class FeedbackGenSpec(standard_component_specs.FileBasedExampleGenSpec):
    """Specification of FeedbackGen."""

    PARAMETERS = {  # noqa: RUF012 (as TFX declares it)
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        executor.FEEDBACK: component_spec.ExecutionParameter(type=str),
        executor.INVENTORY: component_spec.ExecutionParameter(type=str),
        executor.CODE: component_spec.ExecutionParameter(type=str),
    }
    OUTPUTS = {  # noqa: RUF012
        **standard_component_specs.FileBasedExampleGenSpec.OUTPUTS,
        executor.VOCABULARY: component_spec.ChannelParameter(type=ItemVocabulary),
        executor.STATISTICS: component_spec.ChannelParameter(type=FeedbackStatistics),
    }


class FeedbackGen(component.FileBasedExampleGen):
    """Turns feedback rows into training, validation and test examples of users' sequences.

    Outputs: `examples`, `vocabulary` (ItemVocabulary) and `statistics` (FeedbackStatistics); see
    docs/reference/formats.md.

    The settings, what the input files hold and the code are execution parameters, so a cached result is used only
    while none of them has changed. (The driver of FileBasedExampleGen takes a fingerprint too, which overlooks some
    changes.)
    """

    SPEC_CLASS = FeedbackGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, config: FeedbackConfig, files_are_here: bool = True) -> None:
        """Makes the component.

        Args:
            config: The files and the rules. A relative `base` is taken from the working folder of now.
            files_are_here: Whether what the files hold now is part of the cache key. Where the pipeline is only
                compiled on this machine they are other files, and the node has to run each time.
        """
        base = config.base if is_remote(config.base) else os.path.abspath(config.base)
        config = dataclasses.replace(config, base=base)
        patterns = {f"feedback_{index}": pattern for index, pattern in enumerate(config.patterns)}
        if config.titles is not None:
            patterns["titles"] = config.titles.file
        if any(map(has_placeholder, patterns.values())):
            patterns = _without_placeholders(patterns, config if files_are_here else None)
        splits = [example_gen_pb2.Input.Split(name=name, pattern=pattern) for name, pattern in patterns.items()]
        spec = FeedbackGenSpec(
            input_base=base,
            input_config=example_gen_pb2.Input(splits=splits),
            # The executor names the splits itself.
            output_config=example_gen_pb2.Output(),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            feedback=to_json(config),
            inventory=inventory(config) if files_are_here else "",
            code=EXAMPLES.digest(),
            examples=types.Channel(type=standard_artifacts.Examples),
            vocabulary=types.Channel(type=ItemVocabulary),
            statistics=types.Channel(type=FeedbackStatistics),
        )
        super(component.FileBasedExampleGen, self).__init__(spec=spec)


def _without_placeholders(patterns: dict[str, str], config: FeedbackConfig | None) -> dict[str, str]:
    """The patterns as TFX's driver may see them, which takes a placeholder for one span, the latest, in all splits.

    The driver only takes a fingerprint of the files. That of the newest one is enough beside the inventory, and a span
    that has left the window and is deleted changes nothing.

    Args:
        patterns: By the name of the split.
        config: Of the files; None where they are not on this machine.
    """
    newest = ""
    if config is not None:
        try:
            newest = glob.escape(find_input(config).files[-1])
        except FeedbackError:
            newest = ""  # the run itself says what is wrong
    return {
        name: (newest or SpanPattern(pattern).glob) if has_placeholder(pattern) else pattern
        for name, pattern in patterns.items()
    }
