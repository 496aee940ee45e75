"""Executor of Refit."""

import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.gate.model_files import is_whole
from components.refit.training import read_judged, refit
from components.trainer.choice import ANEW, STATE_DIR
from pnfrec_core import events, schema
from pnfrec_core.files import write
from pnfrec_core.provenance import Code, data_digest, matches, result_name
from pnfrec_keras.examples.vocabulary import Vocabulary

# Keys of the component's inputs, outputs and parameters.
JUDGED, BLESSING, EXAMPLES, VOCABULARY = "judged", "blessing", "examples", "vocabulary"
INITIAL = "initial"
REFITTED, RUN = "model", "model_run"
CUSTOM_CONFIG, CODE = "custom_config", "code"
# Of the artifact that comes out: 1 where it holds a model, 0 where the judged one was not blessed.
IS_REFITTED: Final = "refitted"

TRAINED = Code(("components.refit.training",), libraries=("keras", "numpy", "tensorflow"))
# In the state of a refit that is done: where its model lies.
_DONE: Final = "done.json"

log = logging.getLogger(__name__)


class Executor(base_executor.BaseExecutor):
    """Refits a blessed model; does nothing where it was not blessed."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains and exports, or takes the model of an earlier refit that had the very same to go by.

        A blessing is a new artifact whenever the gate judges anew, by other bounds or beside another baseline, so that
        TFX's cache alone would have the same model refitted again.

        Args:
            input_dict: `judged` and its `blessing`; `examples` and `vocabulary` of EverythingGen; `initial`, with which
                the refit begins where the judged model began with an earlier one.
            output_dict: `model`, with the property `refitted`, and `model_run`.
            exec_properties: `custom_config` as of the Trainer; where it says `anew`, no earlier refit is taken.

        Raises:
            ValueError: The judged model does not say how it was trained, or there is nothing to learn from.
            FloatingPointError: The training diverged.
        """
        model = artifact_utils.get_single_instance(output_dict[REFITTED])
        if not model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict[BLESSING])):
            model.set_int_custom_property(IS_REFITTED, 0)
            log.info("The model was not blessed: nothing is refitted.")
            return
        settings = json.loads(exec_properties[CUSTOM_CONFIG])
        judged = read_judged(Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[JUDGED]))))
        (folder,) = artifact_utils.get_split_uris(input_dict[EXAMPLES], schema.TRAIN_SPLIT)
        catalogue = Path(artifact_utils.get_single_uri(input_dict[VOCABULARY]), schema.VOCABULARY_FILE)
        files = [os.path.join(folder, "*")]
        base = input_dict.get(INITIAL) if judged.is_warm else None
        initial = path_utils.serving_model_path(artifact_utils.get_single_uri(base)) if base else ""
        weights = matches([os.path.join(initial, "variables", "*")]) if initial else []
        name = result_name(
            code=TRAINED.digest(),
            data=data_digest([*matches(files), catalogue, *weights]),
            settings=[{key: settings[key] for key in settings if key not in (STATE_DIR, ANEW)}, vars(judged)],
        )
        state = Path(settings[STATE_DIR]) / name[:16]
        target = path_utils.serving_model_dir(model.uri)
        if not settings.get(ANEW) and (before := _model_of(state)):
            log.info("%s is this very refit already: it is taken.", before)
            io_utils.copy_dir(before, target)
        else:
            events.report(log, events.ReadingExamples())
            run = artifact_utils.get_single_uri(output_dict[RUN])
            refit(settings, judged, files, Vocabulary.read(catalogue), target, state, run, initial)
            _remember(state, target)
        model.set_int_custom_property(IS_REFITTED, 1)


def _model_of(state: Path) -> str:
    """Where the model of a refit lies that is done; "" where it is not, or somebody has deleted it."""
    done = state / _DONE
    if not done.is_file():
        return ""
    folder = str(json.loads(done.read_text(encoding="utf-8"))["model"])
    return folder if is_whole(os.path.dirname(folder), fileio.exists) else ""


def _remember(state: Path, target: str) -> None:
    """Leaves of the state nothing but where the model lies."""
    state.mkdir(parents=True, exist_ok=True)
    write(state / _DONE, json.dumps({"model": target}) + "\n")
    for file in state.glob("*"):
        if file.name != _DONE:
            file.unlink()
