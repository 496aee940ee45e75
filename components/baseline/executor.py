"""Executors of BaselineFinder and BaselineKeeper."""

import json
import logging
import os
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.baseline import folder
from components.baseline.absent import mark_absent
from components.gate.gone import write_places
from components.gate.last_blessed import BLESSING, CANDIDATE, GONE, MODEL, Asked, choose
from components.gate.report import verdict

FOLDER = "folder"
ASKED = "asked"
MOST = "most"
REFUSE = "refuse"
REPORT = "report"

log = logging.getLogger(__name__)


class NotBlessedError(RuntimeError):
    """The gate refused the model, and the settings want a run to fail then."""


class Finder(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of `BaselineFinder`."""

    def Do(  # noqa: N802 (TFX calls it so)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the baseline to `model`, and its blessing to `model_blessing`.

        Args:
            input_dict: `candidate`, the model that is to be judged.
            output_dict: `model`, `model_blessing` and `gone`, as of `LastBlessedOtherModel`. One that has nothing to
                give is marked: `components.baseline.absent`.
            exec_properties: `folder`, and `asked`, the fields of `Asked` as JSON.
        """
        candidate = artifact_utils.get_single_uri(input_dict[CANDIDATE])
        asked = Asked(**json.loads(exec_properties[ASKED]))
        found = choose(folder.history(exec_properties[FOLDER], candidate), asked)
        for key in (MODEL, BLESSING):
            output = artifact_utils.get_single_instance(output_dict[key])
            if not found[key]:
                mark_absent(output.uri, "No blessed model can be compared with the candidate.")
                continue
            [chosen] = found[key]
            io_utils.copy_dir(chosen.uri, output.uri)
            log.info("%s: %s", key, chosen.uri)
            if key == BLESSING:
                name = constants.ARTIFACT_PROPERTY_BLESSED_KEY
                output.set_int_custom_property(name, chosen.get_int_custom_property(name))
        gone = artifact_utils.get_single_instance(output_dict[GONE])
        if found[GONE]:
            places = [each.uri for each in found[GONE]]
            write_places(gone.uri, places)
            log.warning("The files of %s are gone.", ", ".join(places))
        else:
            mark_absent(gone.uri, "No blessed model was passed over.")


class Keeper(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of `BaselineKeeper`."""

    def Do(  # noqa: N802 (TFX calls it so)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],  # noqa: ARG002
        exec_properties: dict[str, Any],
    ) -> None:
        """Keeps a blessed model, or fails where it is none and `refuse` says so.

        Args:
            input_dict: `model`, `model_blessing` and `report`.
            output_dict: Empty.
            exec_properties: `folder`; `most`, how many models stay; `refuse`, 1 or 0.

        Raises:
            NotBlessedError: The gate refused the model, and `refuse` is 1.
        """
        blessing = artifact_utils.get_single_instance(input_dict[BLESSING])
        if model_utils.is_model_blessed(blessing):
            model = artifact_utils.get_single_uri(input_dict[MODEL])
            kept = folder.keep(exec_properties[FOLDER], model, blessing.uri, int(exec_properties[MOST]))
            log.info("Blessed, and a baseline of later runs from now on: %s", kept.digest)
            return
        text = _report(input_dict)
        if exec_properties[REFUSE]:
            msg = f"NOT BLESSED: nothing is pushed, and the version that serves stays.\n{text}"
            raise NotBlessedError(msg)
        log.warning("NOT BLESSED: nothing is pushed.\n%s", text)


def _report(input_dict: dict[str, list[types.Artifact]]) -> str:
    """The gate's report as text."""
    path = os.path.join(artifact_utils.get_single_uri(input_dict[REPORT]), verdict.REPORT_TEXT)
    with fileio.open(path) as stream:
        return str(stream.read()).rstrip()
