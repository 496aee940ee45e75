"""Writes a model into a serving folder as a new version, and finds the newest that is there."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from tfx.dsl.io import fileio

from components.pusher.properties import VersionAhead
from components.pusher.unfinished import working
from pnfrec_core import events, files, schema, versions
from pnfrec_core.model_marks import Marks

# Beside config.yaml, which holds what made the model; a model may be pushed again by a run with another gate.
CONFIG_FILE: Final = os.path.join(schema.EXTRA_ASSETS, versions.RUN_SETTINGS)
# How the model differs from the version that served before it.
REPLAY_FILE: Final = os.path.join(schema.EXTRA_ASSETS, versions.REPLAY)
# Whether the model was judged or refitted, and what the two are like.
REFIT_FILE: Final = os.path.join(schema.EXTRA_ASSETS, versions.REFIT)

log = logging.getLogger(__name__)


def newest_version(base: str, marks: Marks | None = None) -> str:
    """The folder of the greatest version below `base` that is complete and not bad; "" where there is none."""
    found = complete_versions(base)
    return next((found[version] for version in (marks or Marks()).good(found)), "")


def serving_version(base: str, marks: Marks) -> str:
    """The folder of the version that serves: the pinned one, else the newest good one; "" where there is none."""
    found = complete_versions(base)
    serving = marks.serving(found)
    return "" if serving is None else found[serving]


def complete_versions(base: str) -> dict[int, str]:
    """The folders of all complete versions, here or in a store, by version."""
    found = versions.by_version(name for name in _names(base) if fileio.isdir(os.path.join(base, name)))
    folders = {version: os.path.join(base, name) for version, name in found.items()}
    return {
        version: folder
        for version, folder in folders.items()
        if fileio.exists(os.path.join(folder, versions.SAVED_MODEL_FILE))
    }


def deliver(
    model: str,
    base: str,
    resolved_config: str,
    texts: Mapping[str, str] | None = None,
    still_wanted: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
) -> str:
    """Copies a model into a version of its own, newer than all that are there; `saved_model.pb` last.

    Args:
        model: Folder of the SavedModel.
        base: The serving folder.
        resolved_config: All settings of the run as text, stored in the version.
        texts: Further texts of the run, by the path that each gets in the version.
        still_wanted: Is entered around the moment in which the version becomes one that servers take. What it raises
            leaves nothing behind.

    Returns:
        The folder of the version.

    Raises:
        NoVersionLeftError: None can be newer. Nothing was written.
    """
    with _claim(base) as folder:
        try:
            _fill(folder, model, {CONFIG_FILE: resolved_config, **(texts or {})})
            with still_wanted():
                _complete(folder, model)
        except BaseException:
            # Half a version would take its number for good.
            fileio.rmtree(folder)
            raise
    return folder


@contextlib.contextmanager
def _claim(base: str) -> Iterator[str]:
    """Makes the folder of the next version, so that no other run takes it, and marks it as being written."""
    while True:
        now, names = int(time.time()), _names(base)
        version = versions.next_version(base, names, now)
        folder = os.path.join(base, str(version))
        fileio.makedirs(base)
        # Buckets have no locks.
        with working(base, version) if "://" not in base else contextlib.nullcontext() as mark:
            if (mark is None and "://" not in base) or not _make(folder):
                continue
            if mark is not None:
                mark.folder_is(folder)
            if version > now:
                log.warning("%s", ahead := VersionAhead(base, version - 1, version), extra={events.ATTRIBUTE: ahead})
            yield folder
            return


def _make(folder: str) -> bool:
    """Makes a folder; False where it is there already."""
    if "://" in folder:
        # Buckets know no folders, so that two runs of one second cannot be told apart there.
        is_new = not fileio.exists(folder)
        fileio.makedirs(folder)
        return is_new
    try:
        # TensorFlow's own mkdir, which `fileio` has, says nothing where the folder is there already.
        os.mkdir(folder)
    except FileExistsError:
        return False
    return True


def _names(base: str) -> list[str]:
    return [name.rstrip("/") for name in fileio.listdir(base)] if fileio.isdir(base) else []


def _fill(folder: str, model: str, texts: Mapping[str, str]) -> None:
    for root, folders, names in fileio.walk(model):
        place = os.path.normpath(os.path.join(folder, os.path.relpath(root, model)))
        for name in folders:
            fileio.makedirs(os.path.join(place, name))
        for name in names:
            if (place, name) != (folder, versions.SAVED_MODEL_FILE):
                fileio.copy(os.path.join(root, name), os.path.join(place, name))
    fileio.makedirs(os.path.join(folder, schema.EXTRA_ASSETS))
    for name, text in texts.items():
        with fileio.open(os.path.join(folder, name), "w") as stream:
            stream.write(text)
    if "://" not in folder:
        # All else is on the disk before what makes it a version, whatever happens to the machine.
        files.sync_tree(folder)


def _complete(folder: str, model: str) -> None:
    # Until this file is there, no server takes the version. In a store a file appears whole.
    source, target = (os.path.join(place, versions.SAVED_MODEL_FILE) for place in (model, folder))
    if "://" in folder:
        fileio.copy(source, target)
        return
    with files.replacing(Path(target)) as unfinished:
        fileio.copy(source, str(unfinished))
    files.sync(folder)
    files.sync(os.path.dirname(folder))
