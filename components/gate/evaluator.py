"""TFX's Evaluator, which also asks what a dislike does to the lists of the model where `gate.responsiveness` is set.

TFMA looks at one answer of the model an example. What a dislike does takes two, of every item of the catalogue, so it
is measured apart, after TFMA, from the exported model; and a model that does not keep that bound loses its blessing
here, so that there is one blessing that all who come after go by.
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
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.gate import config
from components.gate.responsiveness import RESULT_FILE, Response, ResponsivenessConfig, response_of, to_json
from pnfrec_core import schema
from pnfrec_core.provenance import Code

_SETTINGS = "responsiveness"
_CODE = Code(("components.gate.evaluator",), libraries=("numpy", "tensorflow"))

log = logging.getLogger(__name__)


class Executor(stock.Executor):  # type: ignore[misc]
    """TFX's executor, and the further bound."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model, then measures what a dislike does; takes the blessing back where that is too little.

        Args:
            input_dict: As of TFX's Evaluator.
            output_dict: As of TFX's Evaluator; `evaluation` gets `RESULT_FILE`, too.
            exec_properties: As of TFX's Evaluator; and `responsiveness`, JSON of the bound, `k` and the code.
        """
        super().Do(input_dict, output_dict, exec_properties)
        settings = json.loads(exec_properties[_SETTINGS])
        bound = ResponsivenessConfig(**settings["bound"])
        found = _measure(input_dict, bound, settings["k"])
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
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


class ResponsiveEvaluator(Evaluator):  # type: ignore[misc]
    """TFX's Evaluator with the bound of `gate.responsiveness`. It takes its name: other nodes know it as that."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def evaluator(gate: config.GateConfig, **arguments: Any) -> Evaluator:
    """The node `Evaluator` of a gate; TFX's own where no bound is on what a dislike does.

    Args:
        gate: The bounds.
        arguments: Of TFX's Evaluator.
    """
    if gate.responsiveness is None:
        return Evaluator(**arguments)
    node = ResponsiveEvaluator(**arguments).with_id("Evaluator")
    settings = {"bound": dataclasses.asdict(gate.responsiveness), "k": gate.k, "code": _CODE.digest()}
    # TFX's component has no argument for what its executor does not know.
    node.spec.exec_properties[_SETTINGS] = json.dumps(settings, sort_keys=True)
    return node
