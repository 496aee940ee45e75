"""What ML Metadata records of earlier runs, read from its file without ML Metadata, and without changing it.

`follow_move` alone changes it: where artifacts lie after their folder was moved.
"""

import contextlib
import logging
import sqlite3
import urllib.parse
from pathlib import Path
from typing import Any

from components.gate.model_files import is_whole

log = logging.getLogger(__name__)

# The model of the blessing that was given last; by a cached execution too, as the gate has it.
_LAST_BLESSED = """
SELECT Model.uri
FROM Artifact AS Blessing
JOIN Attribution ON Attribution.artifact_id = Blessing.id
JOIN Context ON Context.id = Attribution.context_id AND Context.name = ?
JOIN ArtifactProperty AS Verdict ON Verdict.artifact_id = Blessing.id AND Verdict.name = 'blessed'
JOIN ArtifactProperty AS Judged ON Judged.artifact_id = Blessing.id AND Judged.name = 'current_model_id'
JOIN Artifact AS Model ON Model.id = Judged.int_value
LEFT JOIN Event ON Event.artifact_id = Blessing.id AND Event.type IN (1, 4)
WHERE Verdict.int_value = 1
GROUP BY Blessing.id
ORDER BY MAX(Event.execution_id) DESC, Blessing.id DESC
LIMIT 1
"""


def _rows(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    """The answer to a query that changes nothing; no rows where nothing is recorded yet, or nothing can be read."""
    address = f"file:{urllib.parse.quote(str(path))}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.DatabaseError:
        return []


def last_blessed(path: Path, pipeline: str) -> str:
    """Where the model lies that was blessed last, by the record of a pipeline; "" where there is none."""
    return next((str(uri) for (uri,) in _rows(path, _LAST_BLESSED, pipeline)), "")


def has_files(model: str) -> bool:
    """Whether the files of a recorded model are there."""
    return is_whole(model, lambda path: Path(path).is_file())


def recorded_elsewhere(path: Path, root: Path) -> dict[str, int]:
    """Folders of artifacts that the file names although their artifacts lie below `root`: it was moved or copied.

    Args:
        path: The file.
        root: The folder of all artifacts, as it is now.

    Returns:
        Each folder as the file names it, and how many of its artifacts were found below `root`.
    """
    found: dict[str, int] = {}
    for (uri,) in _rows(path, "SELECT uri FROM Artifact WHERE uri IS NOT NULL"):
        before, separator, inner = uri.rpartition(f"/{root.name}/")
        folder = f"{before}/{root.name}"
        if separator and folder != str(root) and (root / inner).exists():
            found[folder] = found.get(folder, 0) + 1
    return found


def follow_move(path: Path, root: Path) -> dict[str, int]:
    """Records artifacts where they lie now; what `recorded_elsewhere` found. Call it while holding the output folder.

    Artifacts of a folder that was moved are recorded anew though they are gone: then they are missed below `root`.
    """
    found = recorded_elsewhere(path, root)
    if found:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for folder in found:
                database.execute(
                    "UPDATE Artifact SET uri = ? || substr(uri, ?) WHERE substr(uri, 1, ?) = ?",
                    (str(root), len(folder) + 1, len(folder) + 1, f"{folder}/"),
                )
                log.info("%s named artifacts in %s: they are recorded in %s now.", path, folder, root)
    return found
