"""Results of other data or other code are not taken for one's own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pnfrec_core.imports import PACKAGES, ROOT
from studies.run.origin import origin_of

# Where the examples of a study would be prepared, without preparing them.
ASK = """
import pathlib, sys, types
sys.modules["components.feedback.run"] = types.SimpleNamespace(generate=lambda *_: None)
from pipeline.config import load_config
from studies.run.data import prepared
print(prepared(load_config(pathlib.Path(sys.argv[1]), []), pathlib.Path("prepared")).name)
"""


def test_a_changed_glossary_has_the_examples_of_a_study_made_anew(tmp_path: Path) -> None:
    for package in set(PACKAGES) - {"tests"}:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    def folder() -> str:
        command = [sys.executable, "-c", ASK, str(ROOT / "configs" / "movietweetings.yaml")]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    before = folder()
    glossary = tmp_path / "pnfrec_core" / "schema.py"
    glossary.write_text(glossary.read_text() + "# a comment changes no example\n")
    assert folder() == before
    glossary.write_text(glossary.read_text() + "ANOTHER_WORD = 1\n")
    assert folder() != before


def test_a_file_of_other_content_is_other_data_and_its_place_is_no_matter(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "year").mkdir(parents=True)
        (tmp_path / name / "year" / "a.csv").write_text("u,i,1\n")
    here = origin_of(str(tmp_path / "here"), ["**/*.csv"])
    assert origin_of(str(tmp_path / "there"), ["year/a.csv"]) == here
    (tmp_path / "there" / "year" / "a.csv").write_text("u,i,2,3\n")
    there = origin_of(str(tmp_path / "there"), ["**/*.csv"])
    assert (there.training, there.trial) == (here.training, here.trial)
    assert there.data != here.data


@pytest.mark.parametrize("pattern", ["none.csv", "*.none", "gs://bucket/a.csv"])
def test_a_file_that_is_not_here_is_left_to_feedbackgen(pattern: str, tmp_path: Path) -> None:
    assert origin_of(str(tmp_path), [pattern]).data


def test_a_folder_is_its_files_and_what_their_folders_say(tmp_path: Path) -> None:
    """Renaming `split=train` moves rows from one set to another, and no byte of a file."""
    base = tmp_path / "what[1]?"
    (base / "rows" / "split=train").mkdir(parents=True)
    (base / "rows" / "_temporary").mkdir()
    (base / "rows" / "split=train" / "a.csv").write_text("u,i,1\n")
    first = origin_of(str(base), ["rows"]).data
    (base / "rows" / "_temporary" / "a.csv").write_text("u,i,9\n")
    assert origin_of(str(base), ["rows"]).data == first == origin_of(str(base), ["rows/**/*.csv"]).data
    (base / "rows" / "split=train").rename(base / "rows" / "split=test")
    renamed = origin_of(str(base), ["rows"]).data
    (base / "rows" / "split=test" / "a.csv").write_text("u,i,2\n")
    assert len({first, renamed, origin_of(str(base), ["rows"]).data}) == 3


@pytest.mark.parametrize("pattern", ["span-{SPAN}", "span-{SPAN}/*.csv"])
def test_spans_are_their_files(pattern: str, tmp_path: Path) -> None:
    met = []
    for number, content in ((1, "a"), (2, "b"), (2, "c")):
        (tmp_path / f"span-{number}").mkdir(exist_ok=True)
        (tmp_path / f"span-{number}" / "x.csv").write_text(content)
        met.append(origin_of(str(tmp_path), [pattern]).data)
    assert len(set(met)) == 3
