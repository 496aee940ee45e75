"""`pnfrec check`: what it prints, and its exit status."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline import room
from pipeline.check_command import check
from pipeline.room import Room
from tests.pipeline.world import write_config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = ["u1,007,8,1365029107", "user two,i,7,0"]
    (tmp_path / "ratings.csv").write_text("\n".join(["user,item,value,timestamp", *rows]) + "\n")
    (tmp_path / "titles.csv").write_text("item,title\n007,Goldfinger\n")
    monkeypatch.setattr(room, "room_of", lambda path: Room(path, 1, 5 << 30, None))
    return tmp_path


def call(folder: Path, *overrides: str, **changes: Any) -> Result:
    settings = [word for override in overrides for word in ("--set", override)]
    return CliRunner().invoke(check, ["--config", str(write_config(folder, **changes)), *settings])


def test_a_wrong_configuration_is_told_without_the_usage(folder: Path) -> None:
    result = call(folder, "training.epoch=1")
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert "`training.epoch` is unknown. Did you mean `epochs`?" in result.output


def test_what_a_run_would_read_and_write(folder: Path) -> None:
    result = call(folder, "feedback.titles={file: titles.csv}")
    assert result.exit_code == 0
    size = (folder / "ratings.csv").stat().st_size
    assert (
        result.output
        == f"""\
pipeline  tiny
feedback  1 file, {size} bytes
          {folder}/ratings.csv
titles    {folder}/titles.csv
output    {folder}/out (5.0 GiB free)
serving   {folder}/out/serving
baseline  no blessed model yet

The first rows, as they are understood:
user      item  value  polarity  time
u1        007   8      positive  2013-04-03 22:45:07 UTC
user two  i     7      negative  1970-01-01 00:00:00 UTC

A run can start: pnfrec run --config {folder}/tiny.yaml --set 'feedback.titles={{file: titles.csv}}'
"""
    )
    assert sorted(path.name for path in folder.iterdir()) == ["ratings.csv", "tiny.yaml", "titles.csv"]


def test_the_line_to_type_runs_what_was_checked(folder: Path) -> None:
    place = folder / "my data"
    place.mkdir()
    (place / "ratings.csv").write_text((folder / "ratings.csv").read_text())
    result = call(place, "output=$HOME runs", "training.epochs=4")
    line = result.output.splitlines()[-1].removeprefix("A run can start: ")
    asked = ["--config", f"{place}/tiny.yaml", "--set", "output=$HOME runs", "--set", "training.epochs=4"]
    assert shlex.split(line) == ["pnfrec", "run", *asked]


def test_of_many_files_some_are_named(folder: Path) -> None:
    for number in range(7):
        (folder / f"part{number}.csv").write_text((folder / "ratings.csv").read_text())
    lines = call(folder, "feedback.files=[part*.csv]").output.splitlines()
    assert lines[1].startswith("feedback  7 files, ")
    assert [line.strip() for line in lines[2:8]] == [
        *(f"{folder}/part{number}.csv" for number in range(5)),
        "and 2 more",
    ]


def test_one_thing_is_wrong(folder: Path) -> None:
    result = call(folder, "feedback.files=[none.csv]")
    assert result.exit_code == 1
    assert result.output.endswith(
        f"\nFAILED: `feedback.files`: there is no file {folder}/none.csv. Relative paths are taken from "
        "`feedback.base`.\n"
    )
    assert "feedback  none.csv\n" in result.output
    assert "first rows" not in result.output
    assert "A run can start" not in result.output


def test_several_things_are_wrong(folder: Path) -> None:
    result = call(folder, "feedback.files=[none.csv]", "serving=ratings.csv", "feedback.titles={file: no.csv}")
    assert result.exit_code == 1
    assert result.output.endswith(
        "\nFAILED: 3 things are wrong, and nothing has run.\n"
        f"  - `feedback.titles.file`: there is no file {folder}/no.csv. Relative paths are taken from "
        "`feedback.base`.\n"
        f"  - `feedback.files`: there is no file {folder}/none.csv. Relative paths are taken from `feedback.base`.\n"
        f"  - `serving`: {folder}/ratings.csv cannot be made or written to (Not a directory). Choose another folder or "
        "its owner.\n"
    )


def test_what_is_worth_knowing_stops_nothing(folder: Path) -> None:
    (folder / "empty.csv").write_text("user,item,value,timestamp\n")
    result = call(folder, "feedback.files=['*g*.csv', empty.csv]")
    assert result.exit_code == 0
    assert f"\nNOTE  {folder}/empty.csv has no data row.\n" in result.output


def test_a_wrong_configuration_has_the_status_of_wrong_usage(folder: Path) -> None:
    result = call(folder, "output=runs[1]")
    assert result.exit_code == 2
    assert f"`output`: {folder}/runs[1] holds [, which TFX and TensorFlow take for a pattern." in result.output
