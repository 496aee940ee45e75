"""Deletes versions of a serving folder that nobody needs any more, so that the disk does not fill day by day."""

import contextlib
import logging
import os
from collections.abc import Iterable

from tfx.dsl.io import fileio

from components.pusher.delivery import complete_versions
from components.pusher.unfinished import working
from pnfrec_core import model_marks, versions
from pnfrec_core.model_marks import Marks

log = logging.getLogger(__name__)


def to_delete(there: Iterable[int], marks: Marks, keep: int) -> list[int]:
    """Versions that may go, the oldest first.

    Those that are pinned or labelled stay, and the newest that are not bad. A bad version, which counts for none of
    them, goes once it is older than all of these; its mark stays.

    Args:
        there: Complete versions.
        marks: What people have decided.
        keep: How many that are not bad stay.
    """
    newest = marks.good(there)[:keep]
    named = {mark.version for mark in marks.labels.values()} | ({marks.pinned.version} if marks.pinned else set())
    oldest = min(newest, default=-1)
    return sorted(version for version in there if version < oldest and version not in named)


def delete_old(base: str, keep: int) -> list[int]:
    """Deletes the versions that may go; returns which went. One that cannot be deleted stays with a warning.

    The gate needs none of them: a baseline is read from the artifact of its run.

    Raises:
        MarksError: The marks are damaged, so that nobody knows what may go. Nothing was deleted.
    """
    gone = []
    # While it is held nobody can pin or label what is about to go.
    with model_marks.editing(base) if "://" not in base else contextlib.nullcontext() as draft:
        found = complete_versions(base)
        for version in to_delete(found, draft.marks if draft else Marks(), keep):
            try:
                _delete(base, version, found[version])
            except Exception as error:  # each file system has errors of its own
                log.warning("%s is beyond `push.keep_versions` and cannot be deleted: %s", found[version], error)
                continue
            gone.append(version)
    if gone:
        log.info("Deleted versions beyond `push.keep_versions`: %s.", ", ".join(map(str, gone)))
    return gone


def _delete(base: str, version: int, folder: str) -> None:
    """Deletes a version; what a kill leaves of it, the next push removes."""
    with working(base, version) if "://" not in base else contextlib.nullcontext() as mark:
        if mark is not None:
            mark.folder_is(folder)
        # First what makes it a version, so that no server takes a part of it for the whole.
        fileio.remove(os.path.join(folder, versions.SAVED_MODEL_FILE))
        fileio.rmtree(folder)
