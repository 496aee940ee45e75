"""TFX's Evaluator, with what it does not measure: what was shown at random, and what a dislike does to the lists.

What was shown at random (`feedback.random_files`) is a set of examples of its own, and TFX's Evaluator puts all the
splits that it is given into one. So it is asked a second time, by the same metrics and without a bound, and the results
lie in a folder of their own beside the others.

TFMA looks at one answer of the model an example. What a dislike does (`gate.responsiveness`) takes two, of every item
of the catalogue, so it is measured apart, after TFMA, from the exported model; and a model that does not keep that
bound loses its blessing here, so that there is one blessing that all who come after go by.
"""

import dataclasses
import json
import logging
import os
import tempfile
from typing import Any

from tfx import types
from tfx.components import Evaluator
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as stock
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from components.gate import config
from components.gate.eval_config import make_unjudged_config
from components.gate.responsiveness import RESULT_FILE, Response, ResponsivenessConfig, response_of, to_json
from pnfrec_core import schema
from pnfrec_core.provenance import Code

_SETTINGS = "responsiveness"
_AT_RANDOM = "at_random"
_CODE = Code(("components.gate.evaluator",), libraries=("numpy", "tensorflow"))

log = logging.getLogger(__name__)


class Executor(stock.Executor):  # type: ignore[misc]
    """TFX's executor, the further set of examples and the further bound."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model, then measures what was shown at random and what a dislike does, where that is asked for.

        The blessing is taken back where a dislike does too little.

        Args:
            input_dict: As of TFX's Evaluator.
            output_dict: As of TFX's Evaluator; `evaluation` gets the folder `test_random` and `RESULT_FILE`, too.
            exec_properties: As of TFX's Evaluator; `at_random`, JSON of the code and of the metrics of what was shown
                at random; and `responsiveness`, JSON of the bound, `k` and the code.
        """
        super().Do(input_dict, output_dict, exec_properties)
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        if asked := exec_properties.get(_AT_RANDOM):
            beside = standard_artifacts.ModelEvaluation()
            beside.uri = os.path.join(evaluation, schema.TEST_RANDOM_SPLIT)
            own = {
                "eval_config": json.loads(asked)["eval_config"],
                "example_splits": json_utils.dumps([schema.TEST_RANDOM_SPLIT]),
            }
            super().Do(input_dict, {"evaluation": [beside]}, {**exec_properties, **own})
        if asked := exec_properties.get(_SETTINGS):
            settings = json.loads(asked)
            bound = ResponsivenessConfig(**settings["bound"])
            found = _measure(input_dict, bound, settings["k"])
            io_utils.write_string_file(os.path.join(evaluation, RESULT_FILE), to_json(found))
            log.info("What a dislike does: %s.", found)
            if not found.holds(bound):
                _take_back(artifact_utils.get_single_instance(output_dict["blessing"]))


def _measure(input_dict: dict[str, list[types.Artifact]], bound: ResponsivenessConfig, k: int) -> Response:
    from pnfrec_keras.evaluation.exported import responsiveness_of

    model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
    (examples,) = artifact_utils.get_split_uris(input_dict["examples"], schema.TEST_SPLIT)
    with tempfile.TemporaryDirectory(prefix="pnfrec-gate-") as scratch:
        if "://" in model:
            io_utils.copy_dir(model, scratch)
            model = scratch
        return response_of(responsiveness_of(model, os.path.join(examples, "*"), k, bound.targets))


def _take_back(blessing: types.Artifact) -> None:
    """Makes a blessing, if it is one, none: its file and its property."""
    blessed = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        fileio.remove(blessed)
        io_utils.write_string_file(os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)


class FurtherEvaluator(Evaluator):  # type: ignore[misc]
    """TFX's Evaluator and what it does not measure. It takes its name: other nodes know it as that."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def evaluator(gate: config.GateConfig, *, at_random: bool = False, **arguments: Any) -> Evaluator:
    """The node `Evaluator` of a gate; TFX's own where nothing further is asked for.

    Args:
        gate: The bounds.
        at_random: Whether the examples have the split `test_random`.
        arguments: Of TFX's Evaluator.
    """
    further: dict[str, Any] = {}
    if at_random:
        further[_AT_RANDOM] = {"eval_config": proto_utils.proto_to_json(make_unjudged_config(gate))}
    if gate.responsiveness is not None:
        further[_SETTINGS] = {"bound": dataclasses.asdict(gate.responsiveness), "k": gate.k}
    if not further:
        return Evaluator(**arguments)
    node = FurtherEvaluator(**arguments).with_id("Evaluator")
    for name, settings in further.items():
        # TFX's component has no argument for what its executor does not know.
        node.spec.exec_properties[name] = json.dumps({**settings, "code": _CODE.digest()}, sort_keys=True)
    return node
