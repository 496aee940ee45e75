"""`pnfrec models`: what it says, what it refuses, and what it lists."""

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from components.gate.report import content, intervals
from pipeline.cli import main
from pnfrec_core import model_marks, serving_config
from tests.pnfrec_core.test_marking import put

CARD = """# Model card: films

- **Date of training**: 2026-11-28 13:18 UTC

## Data

- **Times**: 2013-02-28 to 2013-08-15
- **Read**: 100,000 rows, 16,554 users, 10,506 items
- **In training**: 62,368 rows, 4,298 users, 2,707\\_items
"""


def row(metric: str, value: float | None, low: float | None) -> content.Row:
    interval = intervals.Interval(0.08, 0.12) if value is not None else None
    return content.Row(metric, value, 459, interval, low, None, 0.01, 0.09, 0.0093, None, "ok", "fine")


def describe(folder: Path) -> None:
    """What the pipeline leaves beside a model."""
    rows = (row("ndcg_p", 0.0993, 0.05), row("hr_p", None, 0.01), row("coverage", 0.2, None))
    unbounded = content.Row("mrr_p", 0.1, 9, None, None, None, None, None, None, None, "not judged", "")
    report = content.Report(
        *(True, "BLESSED", (), True, 10, 459, 449, True, "/runs/model/7", "/runs/model/5", (*rows, unbounded), ()),
        response_rows=(dataclasses.replace(row("response_near", 0.09, 0.05), max_loss=None),),
    )
    extra = folder / "assets.extra"
    (extra / "report.json").write_text(content.to_json(report))
    (extra / "model_card.md").write_text(CARD)
    (extra / "manifest.json").write_text('{"items": 2707, "versions": {"keras": "3.12"}}')
    (extra / "ranking.json").write_text('{"rule": "like_odds", "k": 10}')
    (extra / "run.yaml").write_text("name: films\nmodel: {variant: PNFRec}\n")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Versions 3 and, a model of another day, 1795872051, which tells of itself; 1795872052 is not complete."""
    base = tmp_path / "serving"
    put(base, 3, "a")
    put(base, 1795872051, "b")
    describe(base / "1795872051")
    put(base, 1795872052, "c", complete=False)
    return base


def call(base: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["models", *words, "--base", str(base)])


def test_list_tells_what_is_known_of_each_version(base: Path) -> None:
    done = call(base, "list")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[:16] == [
        str(base),
        "",
        "1795872052  not complete",
        "  pushed    2026-11-28 13:20:52 UTC",
        "1795872051  serves",
        "  pushed    2026-11-28 13:20:51 UTC",
        "  data      2013-02-28 to 2013-08-15; read 100,000 rows, 16,554 users, 10,506 items; in training 62,368 rows, "
        "4,298 users, 2,707_items",
        "  model     films, PNFRec, rule like_odds, 2,707 items, trained 2026-11-28 13:18 UTC",
        "  from      /runs/model/7",
        "  baseline  /runs/model/5",
        "  measures  ndcg_p 0.0993 [0.0800..0.1200] (>= 0.05, loss <= 0.01)",
        "            hr_p undefined (>= 0.01, loss <= 0.01)",
        "            coverage 0.2000 [0.0800..0.1200] (loss <= 0.01)",
        "            response_near 0.0900 [0.0800..0.1200] (>= 0.05)",
        "3",
        done.output.splitlines()[15],
    ]
    assert "measures  not recorded" in done.output


def test_list_as_json(base: Path) -> None:
    call(base, "label", "stable", "3")
    call(base, "pin", "3", "--reason", "why")
    found: dict[str, Any] = json.loads(call(base, "list", "--json").output)
    assert (found["base"], found["serves"]) == (str(base), 3)
    rows = {version["version"]: version for version in found["versions"]}
    assert rows[3]["pinned"]["reason"] == "why"
    assert (rows[3]["labels"], rows[3]["serves"], rows[3]["measures"]) == (["stable"], True, [])
    measure = rows[1795872051]["measures"][0]
    assert (measure["name"], measure["interval"], measure["bounds"]) == (
        "ndcg_p",
        [0.08, 0.12],
        [">= 0.05", "loss <= 0.01"],
    )
    assert rows[1795872051]["lineage"] == {
        "model": "/runs/model/7",
        "baseline": "/runs/model/5",
        "pipeline": "films",
        "variant": "PNFRec",
        "rule": "like_odds",
        "items": 2707,
        "versions": {"keras": "3.12"},
    }


@pytest.mark.parametrize("file", ["report.json", "model_card.md", "manifest.json", "run.yaml"])
def test_a_version_whose_record_is_damaged_is_listed(base: Path, file: str) -> None:
    (base / "1795872051" / "assets.extra" / file).write_bytes(b"\xff{")
    done = call(base, "list")
    assert done.exit_code == 0, done.output
    assert "1795872051  serves" in done.output


def test_the_line_that_undoes_a_rollback_is_one_to_type(base: Path) -> None:
    place = base.rename(base.with_name("my models"))
    done = call(place, "rollback", "--reason", "lists of one genre")
    undo = done.output.splitlines()[-1].removeprefix("Undo: ")
    assert shlex.split(undo) == ["pnfrec", "models", "unmark", "1795872051", "--base", str(place)]


def test_rollback_says_what_serves_then_and_how_to_undo_it(base: Path) -> None:
    call(base, "label", "canary", "1795872051")
    done = call(base, "rollback", "--reason", "lists of one genre")
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            "Version 1795872051 is bad: nothing serves, pushes or compares with it.",
            "The label `canary` named it and is gone: set it anew by `pnfrec models label canary VERSION`.",
            "Version 3 serves: it is the newest that is not bad.",
            "`pnfrec serve` follows at its next look, within seconds. TensorFlow Serving does not, until it is given a "
            "models.config (`pnfrec models config`).",
            f"Undo: pnfrec models unmark 1795872051 --base {base}",
        ],
    )
    listed = call(base, "list").output
    assert "1795872051  BAD\n  bad       since " in listed
    assert ": lists of one genre" in listed
    done = call(base, "rollback", "--reason", "again")
    assert done.exit_code == 1
    assert "Version 3 is the last one" in done.output
    done = call(base, "unmark", "1795872051")
    assert done.output.splitlines()[:2] == [
        "Version 1795872051 is not bad any more.",
        "Version 1795872051 serves: it is the newest.",
    ]


def test_one_model_under_two_numbers_is_rolled_back_as_one(base: Path) -> None:
    put(base, 1795872053, "c")
    put(base, 1795872054, "c")
    done = call(base, "rollback", "--reason", "bad")
    assert "Versions 1795872054, 1795872053 are bad (one model, pushed more than once)" in done.output


def test_pin_label_and_back(base: Path) -> None:
    done = call(base, "pin", "3")
    assert "Version 3 is pinned: it serves whatever is pushed, until `pnfrec models unpin`." in done.output
    done = call(base, "label", "canary", "1795872051")
    assert "`canary` names version 1795872051" in done.output
    assert "Version 3 serves: it is pinned since" in done.output
    done = call(base, "unpin")
    assert "Version 1795872051 serves: it is the newest. It is the `canary` too: pin another version" in done.output
    assert "No version has the label `canary` any more" in call(base, "unlabel", "canary").output
    done = call(base, "pin", "7")
    assert (done.exit_code, "Version 7 is not in" in done.output) == (1, True)
    assert model_marks.read(base) == model_marks.Marks()


def test_config_is_written_and_kept(base: Path) -> None:
    done = call(base, "config", "--name", "films", "--base-path", "/models/films")
    file = serving_config.config_file(base)
    assert f"--model_config_file=/models/films/{file.name} --model_config_file_poll_wait_seconds=10" in done.output
    assert 'name: "films"' in file.read_text()
    done = call(base, "pin", "3")
    assert f"TensorFlow Serving does when it reads {file}, which was written anew." in done.output
    assert "specific { versions: 3 }" in file.read_text()


def test_the_folder_is_named_by_one_option(base: Path, tmp_path: Path) -> None:
    config = tmp_path / "films.yaml"
    config.write_text(
        f"name: films\noutput: {tmp_path}/run\nserving: {base}\n"
        "feedback: {files: [rows.csv], positive: 4}\ngate: {bounds: {ndcg_p: {min: 0.0}}}\n"
    )
    runner = CliRunner()
    done = runner.invoke(main, ["models", "pin", "3", "--config", str(config)])
    assert (done.exit_code, model_marks.read(base).serving([3, 4])) == (0, 3)
    for words in ([], ["--config", str(config), "--base", str(base)]):
        done = runner.invoke(main, ["models", "list", *words])
        assert (done.exit_code, "Give --base, the serving folder, or --config" in done.output) == (2, True)
    assert runner.invoke(main, ["models", "list", "--config", str(tmp_path / "no.yaml")]).exit_code == 2
    assert "is no folder" in call(tmp_path / "none", "list").output
    assert "is no folder" in call(tmp_path / "none", "pin", "3").output


def test_damaged_marks_are_told(base: Path) -> None:
    model_marks.marks_file(base).write_text("{")
    for words in (["list"], ["pin", "3"], ["rollback", "--reason", "x"]):
        done = call(base, *words)
        assert (done.exit_code, "marks.json: the marks of the versions are damaged" in done.output) == (1, True)
