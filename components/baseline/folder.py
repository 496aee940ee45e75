"""A folder of blessed models: a sub-folder each, named by what the model holds.

    <digest>/model/Format-Serving/...   the model, as the Trainer exported it
    <digest>/blessing/...               what the Evaluator wrote of it
    <digest>/blessed.json               when it was blessed last, and where it came from; written last

Where artifacts lie in a store that only the launcher of a node can read, a later run finds no model of an earlier one
by its URI. So it is a copy that is kept, in a folder that all nodes can read.
"""

import json
import logging
import os
import time
from typing import Any, Final, NamedTuple

from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from components.gate.last_blessed import Blessed
from components.gate.model_files import SERVING
from pnfrec_core.model_digest import model_digest

_RECORD: Final = "blessed.json"
_MODEL: Final = "model"
_BLESSING: Final = "blessing"

log = logging.getLogger(__name__)


class Record(NamedTuple):
    """What `blessed.json` says.

    Attributes:
        digest: Of the model, by which its folder is named.
        at: When it was blessed last, in nanoseconds since 1970.
        model: Where the run had it.
    """

    digest: str
    at: int
    model: str


def digest(model: str) -> str:
    """What a `Model` artifact holds, in one name: the same for two trainings that came to the same bytes.

    Args:
        model: Where it lies on this machine.
    """
    return model_digest(os.path.join(model, SERVING))


def keep(folder: str, model: str, blessing: str, most: int) -> Record:
    """Puts a model that was just blessed into the folder, or notes that it was blessed anew.

    Args:
        folder: Of blessed models; it is made where there is none.
        model: URI of the `Model` artifact.
        blessing: URI of its blessing.
        most: How many models stay; those that were blessed longest ago go.
    """
    known = records(folder)
    at = max([time.time_ns(), *(record.at + 1 for record in known)])
    record = Record(digest(model), at, model)
    place = os.path.join(folder, record.digest)
    if record.digest not in {each.digest for each in known}:
        if fileio.exists(place):
            fileio.rmtree(place)  # of a run that was cut off
        io_utils.copy_dir(model, os.path.join(place, _MODEL))
        io_utils.copy_dir(blessing, os.path.join(place, _BLESSING))
    # Until this file is there, nobody takes the model; with it, the time of an earlier one is replaced.
    with fileio.open(os.path.join(place, _RECORD), "w") as stream:
        stream.write(json.dumps(record._asdict(), indent=1) + "\n")
    for old in records(folder)[most:]:
        fileio.remove(os.path.join(folder, old.digest, _RECORD))
        fileio.rmtree(os.path.join(folder, old.digest))
        log.info("%s: %d blessed models are kept, and the one of %s went.", folder, most, old.model)
    return record


def records(folder: str) -> list[Record]:
    """What is in the folder, blessed last first.

    Raises:
        ValueError: A file that is to say when a model was blessed cannot be read.
    """
    if not fileio.exists(folder):
        return []
    found = []
    for name in fileio.listdir(folder):
        path = os.path.join(folder, name.rstrip("/"), _RECORD)
        if fileio.exists(path):
            found.append(_read(path))
    return sorted(found, key=lambda record: (record.at, record.digest), reverse=True)


def _read(path: str) -> Record:
    with fileio.open(path) as stream:
        text = stream.read()
    try:
        values = json.loads(text)
        return Record(str(values["digest"]), int(values["at"]), str(values["model"]))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} cannot be read ({error}): it says when a model was blessed. Delete its folder, then run again."
        raise ValueError(msg) from error


def history(folder: str, candidate: str) -> list[Blessed]:
    """Blessed models other than the candidate, blessed last first, for `components.gate.last_blessed.choose`.

    Args:
        folder: Of blessed models.
        candidate: URI of the model that is to be judged. It is another one where its bytes are others.
    """
    itself = digest(candidate)
    return [_blessed(folder, record) for record in records(folder) if record.digest != itself]


def _blessed(folder: str, record: Record) -> Blessed:
    model, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
    model.uri = os.path.join(folder, record.digest, _MODEL)
    blessing.uri = os.path.join(folder, record.digest, _BLESSING)
    properties: dict[str, Any] = {constants.ARTIFACT_PROPERTY_BLESSED_KEY: constants.BLESSED_VALUE}
    for name, value in properties.items():
        blessing.set_int_custom_property(name, value)
    return Blessed(model, blessing)
