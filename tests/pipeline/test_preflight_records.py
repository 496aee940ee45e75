"""What the look before a run makes of the record of earlier runs: the last blessed model, and a moved folder."""

import dataclasses
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pipeline import preflight
from pipeline.config import PipelineConfig, load_config
from pipeline.preflight import Preflight
from pnfrec_core import model_marks
from pnfrec_core.model_digest import model_digest
from tests.pipeline.world import OF_1970, write_config, write_feedback


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    write_feedback(tmp_path / "ratings.csv")
    return load_config(write_config(tmp_path, feedback=OF_1970))


def look(config: PipelineConfig, **changes: Any) -> Preflight:
    return preflight.look(dataclasses.replace(config, **changes), pytest.fail)


RECORDS = """
CREATE TABLE Artifact (id INTEGER PRIMARY KEY, uri TEXT);
CREATE TABLE ArtifactProperty (artifact_id INT, name TEXT, int_value INT);
CREATE TABLE Context (id INT, name TEXT);
CREATE TABLE Attribution (context_id INT, artifact_id INT);
CREATE TABLE Event (artifact_id INT, type INT, execution_id INT);
INSERT INTO Context VALUES (1, 'tiny'), (2, 'another');
"""


def record(config: PipelineConfig, *blessings: tuple[int, bool, str, int]) -> None:
    """Writes the record of blessings: model, whether it was blessed, pipeline, run. The models 1 to 3 are there."""
    config.output_path.mkdir()
    with sqlite3.connect(config.metadata_path) as database:
        database.executescript(RECORDS)
        for number in (1, 2, 3):
            uri = config.artifacts_path / "SequenceTrainer" / "model" / str(number)
            (uri / "Format-Serving" / "variables").mkdir(parents=True)
            for file in ("saved_model.pb", "variables/variables.index"):
                (uri / "Format-Serving" / file).touch()
            database.execute("INSERT INTO Artifact VALUES (?, ?)", (number, str(uri)))
        for place, (model, blessed, name, moment) in enumerate(blessings, start=10):
            database.execute("INSERT INTO Artifact VALUES (?, ?)", (place, f"/blessing/{place}"))
            properties = [(place, "blessed", int(blessed)), (place, "current_model_id", model)]
            database.executemany("INSERT INTO ArtifactProperty VALUES (?, ?, ?)", properties)
            database.execute("INSERT INTO Attribution VALUES (?, ?)", (1 if name == "tiny" else 2, place))
            # It was put out, and looked at later.
            database.execute("INSERT INTO Event VALUES (?, 4, ?), (?, 3, 99)", (place, moment, place))
    database.close()


@pytest.mark.parametrize(
    ("blessings", "expected"),
    [
        ([], None),
        ([(1, True, "tiny", 1), (2, True, "tiny", 2), (3, False, "tiny", 3)], 2),
        ([(2, True, "tiny", 2), (1, True, "tiny", 1)], 2),
        ([(1, True, "tiny", 1), (3, True, "another", 2)], 1),
        ([(1, True, "tiny", 1), (2, True, "tiny", 1)], 2),
    ],
)
def test_the_last_blessed_model(
    config: PipelineConfig, blessings: list[tuple[int, bool, str, int]], expected: int | None
) -> None:
    record(config, *blessings)
    found = look(config)
    assert (found.problems, found.notes) == ((), ())
    models = config.artifacts_path / "SequenceTrainer" / "model"
    assert found.baseline == ("" if expected is None else str(models / str(expected)))


def test_a_last_blessed_model_that_is_gone_is_a_note(config: PipelineConfig) -> None:
    record(config, (1, True, "tiny", 1))
    model = config.artifacts_path / "SequenceTrainer" / "model" / "1"
    (model / "Format-Serving" / "saved_model.pb").unlink()
    found = look(config)
    assert found.problems == ()
    assert found.notes == (
        f"The files of the last blessed model are gone ({model}): the gate takes the one blessed before it.",
    )


def test_a_last_blessed_model_that_is_bad_is_a_note(config: PipelineConfig) -> None:
    record(config, (1, True, "tiny", 1), (2, True, "tiny", 2))
    models = config.artifacts_path / "SequenceTrainer" / "model"
    (models / "2" / "Format-Serving" / "saved_model.pb").write_text("other than the rest")
    config.serving_path.mkdir()
    mark = model_marks.new_mark(7, "one genre", model_digest(models / "2" / "Format-Serving"))
    model_marks.marks_file(config.serving_path).write_text(model_marks.to_json(model_marks.Marks(bad={7: mark})))
    (note,) = look(config).notes
    assert note == (
        f"The last blessed model ({models / '2'}) is bad, since {mark}: the gate takes the one blessed before it."
    )
    model_marks.marks_file(config.serving_path).unlink()
    assert look(config).notes == ()


def test_a_moved_output_is_a_note(config: PipelineConfig, tmp_path: Path) -> None:
    record(config, (1, True, "tiny", 1))
    os.rename(config.output_path, tmp_path / "new")
    found = look(config, output=str(tmp_path / "new"))
    assert found.problems == ()
    assert found.notes == (
        f"The output folder was moved or copied: {tmp_path}/new/metadata.sqlite names {config.artifacts_path}. A run "
        f"takes its 3 artifacts from {tmp_path}/new/artifacts.",
    )
    assert found.baseline == str(tmp_path / "new" / "artifacts" / "SequenceTrainer" / "model" / "1")
