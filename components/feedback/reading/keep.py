"""Which rows of the input are kept where, by what they come from; and the removal of what nobody reads any more."""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from components.feedback.config import FeedbackConfig
from components.feedback.events import patterns_of
from components.feedback.reading.columns import columns_of, required_columns
from components.feedback.reading.files import is_remote, path_columns
from components.feedback.reading.kept import SUFFIX, UNFINISHED, Kept, state_of
from components.feedback.reading.source import Piece
from components.feedback.reading.stores import contents
from components.feedback.spans.pattern import has_placeholder
from pnfrec_core.provenance import Code, data_digest, result_name

FOLDER: Final = ".read_state"
# The code that makes rows of a file.
READING: Final = Code(("components.feedback.reading.batches",), libraries=("numpy", "pyarrow"))
_DAY_S: Final = 86_400.0


def folder_of(config: FeedbackConfig, pipeline_root: str | None) -> str | None:
    """The folder that rows are kept in; None where none are.

    Args:
        config: The files and how they are read.
        pipeline_root: Of artifacts, below which it lies by default; None where nothing is kept by default.
    """
    keep = config.keep_read
    if keep.mode == "never" or (
        keep.mode == "auto" and not any(has_placeholder(file) for file, _ in patterns_of(config))
    ):
        return None
    if keep.folder:
        return keep.folder
    return None if pipeline_root is None or is_remote(pipeline_root) else os.path.join(pipeline_root, FOLDER)


def with_kept(pieces: Sequence[Piece], config: FeedbackConfig, folder: str) -> tuple[Piece, ...]:
    """The pieces, each with the place where its rows are kept. All bytes of local files are looked at.

    Args:
        pieces: Of the input.
        config: How they are read, with what the files themselves decide.
        folder: Where rows are kept. A file in a store without a checksum is not.
    """
    paths = list(dict.fromkeys(piece.source.path for piece in pieces))
    remote = contents([path for path in paths if is_remote(path)])
    # Before the content is looked at: a file that changes afterwards has another state.
    states = {path: remote[path].text if path in remote else state_of(path) for path in paths}
    digests = {path: data_digest([path]) for path in paths if path not in remote}
    digests |= {path: found.text for path, found in remote.items() if found.has_checksum}
    code = READING.digest()
    return tuple(
        dataclasses.replace(piece, kept=Kept(os.path.join(folder, _name(piece, config, digest, code)), states[path]))
        if (digest := digests.get(path := piece.source.path))
        else piece
        for piece in pieces
    )


def tidy(folder: str, pieces: Iterable[Piece], unused_days: float) -> int:
    """Removes what no run has read for a while, and what killed ones have left; the number of files.

    Args:
        folder: Where rows are kept.
        pieces: That this run has read.
        unused_days: For how many days.
    """
    used = {piece.kept.path for piece in pieces if piece.kept is not None}
    for path in used:
        with contextlib.suppress(OSError):
            os.utime(path)
    now, removed = time.time(), 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            days = unused_days if entry.name.endswith(SUFFIX) else max(unused_days, 1.0)
            if entry.path in used or not entry.name.endswith((SUFFIX, UNFINISHED)):
                continue
            with contextlib.suppress(OSError):
                if now - entry.stat().st_mtime >= days * _DAY_S:
                    os.unlink(entry.path)
                    removed += 1
    return removed


def _name(piece: Piece, config: FeedbackConfig, content: str, code: str) -> str:
    """The name of the kept file: of all that its rows depend on."""
    of_path = path_columns(piece.source.path)
    names = columns_of(config, piece.event)
    settings: dict[str, Any] = {
        # How the file is opened and parsed: its format, delimiter, names and quotes; and what its folders say.
        "source": {
            **dataclasses.asdict(piece.source),
            "path": {name: of_path[name] for name in required_columns(config, piece.event) if name in of_path},
        },
        "kind": [type(piece.source).__name__, piece.source.compression],
        "piece": [piece.row_groups, piece.first_row],
        "roles": {role: getattr(names, role) for role in config.roles},
        # What an event says of its rows; not its name, its files or its place among the others.
        "event": None if piece.event is None else config.events[piece.event].meaning(),
        "selection": None if piece.selection is None else dataclasses.asdict(piece.selection),
        "time": dataclasses.asdict(config.time_reading),
        "bad_rows": config.bad_rows,
    }
    settings = json.loads(json.dumps(settings))
    return result_name(code=code, data=content, settings=settings)[:40] + SUFFIX
