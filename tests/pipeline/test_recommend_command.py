"""`pnfrec recommend` from feedback to files, on a small source and a small model."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from pipeline.output_lock import exclusive
from pipeline.recommend_command import _model, recommend
from pnfrec_core import marking

pytestmark = pytest.mark.tensorflow

FILES = ["_job.json", "_summary.json", "part-00000.parquet"]
ITEMS = [f"i{number}" for number in range(8)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    base = tmp_path_factory.mktemp("serving")
    vocabulary = Vocabulary(ITEMS, np.arange(8, 0, -1), np.arange(8, 0, -1))
    settings = "feedback: {positive: 4, duplicates: all}\n"
    model = PNFRec(8, max_length=4, dim=8)
    export_saved_model(model, vocabulary, base / "3", extra_assets={"config.yaml": settings})
    (base / "12").mkdir()  # not complete: no version
    return base


@pytest.fixture
def config(tmp_path: Path, base: Path) -> Path:
    # One user of one liked item, one who dislikes only, and one whose only item no model knows.
    rows = ["u1,i0,5,10", "u1,i1,1,11", "u1,i2,4,9", "u2,i3,1,1", "u3,new,5,99"]
    (tmp_path / "rows.csv").write_text("user,item,value,timestamp\n" + "\n".join(rows) + "\n")
    path = tmp_path / "data.yaml"
    path.write_text(
        f"name: data\noutput: {tmp_path}/run\nserving: {base}\n"
        "feedback: {files: [rows.csv], positive: 4}\ngate: {bounds: {ndcg_p: {min: 0.0}}}\n"
    )
    return path


def call(config: Path, output: Path, *more: str) -> Result:
    return CliRunner().invoke(recommend, ["--config", str(config), "--output", str(output), *more])


def test_every_user_gets_a_list_whatever_the_filters_of_training(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lists"
    done = call(config, output, "-k", "3")
    assert done.exit_code == 0, done.output
    rows = pq.read_table(output).to_pylist()
    lists = {user: [row["item"] for row in rows if row["user"] == user] for user in ("u1", "u2", "u3")}
    assert all(len(items) == 3 for items in lists.values())
    assert not set(lists["u1"]) & {"i0", "i1", "i2"}
    assert "i3" not in lists["u2"]
    # The most popular items, for whom the model knows nothing of.
    assert lists["u3"] == ["i0", "i1", "i2"]
    assert {row["user"] for row in rows if row["fallback"]} == {"u3"}
    assert {row["version"] for row in rows} == {3}
    assert "9 rows for 3 users" in done.output
    assert "Items of histories that the model does not know: 1 of 5." in done.output
    assert sorted(path.name for path in output.iterdir()) == [".lock", *FILES]


def test_a_second_call_has_nothing_to_do_and_another_one_is_refused(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lists"
    assert call(config, output).exit_code == 0
    written = (output / "part-00000.parquet").stat().st_mtime_ns
    again = call(config, output)
    assert (again.exit_code, "holds these lists already" in again.output) == (0, True)
    assert (output / "part-00000.parquet").stat().st_mtime_ns == written
    other = call(config, output, "-k", "4")
    assert other.exit_code == 1
    assert "holds lists of another call: `k` differ" in other.output
    with (tmp_path / "rows.csv").open("a") as rows:
        rows.write("u4,i1,5,100\n")
    assert "`histories` differ" in call(config, output).output


def test_another_model_under_the_same_number_is_another_call(config: Path, base: Path, tmp_path: Path) -> None:
    refilled, output = tmp_path / "refilled", tmp_path / "lists"
    shutil.copytree(base, refilled)
    assert call(config, output, "--base", str(refilled)).exit_code == 0
    assert call(config, output, "--base", str(refilled)).exit_code == 0
    other = refilled / "3" / "variables" / "variables.data-00000-of-00001"
    content = bytearray(other.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    refused = call(config, output, "--base", str(refilled))
    assert (refused.exit_code, "`model_content` differ" in refused.output) == (1, True), refused.output


def test_a_call_that_was_cut_off_reads_nothing_twice(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lists"
    assert call(config, output).exit_code == 0
    (output / "_summary.json").unlink()
    # As it was before the last step: the histories are there, and the part is not.
    shutil.rmtree(output / ".histories", ignore_errors=True)
    (output / "part-00000.parquet").unlink()
    done = call(config, output)
    assert done.exit_code == 0, done.output
    assert json.loads((output / "_summary.json").read_text())["users"] == 3


def test_lists_that_are_gone_or_damaged_are_not_called_there(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lists"
    assert call(config, output).exit_code == 0
    part, whole = output / "part-00000.parquet", (output / "part-00000.parquet").read_bytes()

    def refused(*said: str) -> None:
        again = call(config, output)
        assert again.exit_code == 1, again.output
        assert not again.exception or isinstance(again.exception, SystemExit)
        assert all(text in again.output for text in (*said, f"remove {output}, or name another folder")), again.output

    part.unlink()
    refused(f"{part}: these lists were written before", "it is gone")
    part.write_bytes(whole[:-1])
    refused(f"it has {len(whole) - 1:,} bytes")
    part.write_bytes(whole)
    (output / "part-00001.parquet").write_bytes(whole)
    refused("part-00001.parquet: these lists were written before, without this file")
    (output / "part-00001.parquet").unlink()
    assert call(config, output).exit_code == 0
    for file in ("_summary.json", "_job.json"):
        for content in ("", '{"k": 10', "[]"):
            (output / file).write_text(content)
            refused(f"{output / file}: the file is damaged")


def test_feedback_that_changes_between_its_key_and_its_reading_makes_no_lists(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.feedback import run

    def other_rows(*given: Any) -> Any:
        (tmp_path / "rows.csv").write_text("user,item,value,timestamp\nu9,i1,5,1\n")
        return generate(*given)

    generate = run.generate
    monkeypatch.setattr(run, "generate", other_rows)
    done = call(config, tmp_path / "lists")
    assert (done.exit_code, "have changed since this call began" in done.output) == (1, True), done.output
    assert not list((tmp_path / "lists").glob("part-*"))
    assert not (tmp_path / "lists" / ".histories").exists()


def test_a_full_disk_is_told_with_the_folder(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.bulk import job

    def full(*_: Any) -> Any:
        msg = "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"
        raise OSError(msg)

    monkeypatch.setattr(job, "write_lists", full)
    done = call(config, tmp_path / "lists")
    assert done.exit_code == 1, done.output
    assert "the disk is full, or this user's share of it" in done.output
    assert not list((tmp_path / "lists").glob("part-*"))


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (("--set", "feedback.positive=5"), 2, "was trained with `feedback.positive: 4`, and this configuration says 5"),
        (("--set", "feedback.duplicates=last"), 2, "`feedback.duplicates: all`"),
        (("--set", "feedback.positive=median"), 2, "and this configuration says median"),
        (("--version", "12"), 1, "holds no version 12 (there: 3)"),
        (("--max-per-group", "1"), 1, "have no groups"),
        (("--set", "feedback.files=[gone.csv]"), 1, "gone.csv"),
        (("--set", "feedback.split=none"), 2, "holds nothing out"),
    ],
)
def test_what_cannot_be_done_is_told(
    config: Path, tmp_path: Path, more: tuple[str, ...], status: int, said: str
) -> None:
    done = call(config, tmp_path / "lists", *more)
    assert (done.exit_code, said in done.output) == (status, True), done.output
    assert not list((tmp_path / "lists").glob("part-*"))


def test_two_calls_at_once_do_not_write_into_one_folder(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "lists"
    monkeypatch.setattr("pipeline.output_lock.PATIENCE_S", 0.0)
    with exclusive(output, "--output"):
        refused = call(config, output)
    assert refused.exit_code == 1
    assert f"Another run is working in {output}. Wait for it, or choose another folder (--output)." in refused.output
    assert not list(output.glob("*part*"))
    assert call(config, output).exit_code == 0


def test_a_folder_of_something_else_is_left_alone(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "lists"
    output.mkdir()
    (output / "thesis.txt").write_text("mine")
    done = call(config, output)
    assert (done.exit_code, "is not empty, and holds no lists" in done.output) == (1, True)
    assert [path.name for path in output.iterdir()] == ["thesis.txt"]


def test_the_command_takes_it_and_says_so(base: Path, config: Path, tmp_path: Path) -> None:
    own = tmp_path / "serving"
    shutil.copytree(base / "3", own / "3")
    extra = own / "3" / "assets.extra"
    (extra / "config.yaml").write_text("feedback: {positive: median, duplicates: all}\n")
    (extra / "report.json").write_text('{"threshold": 4.0}')
    asked = ("--base", str(own), "--set", "feedback.positive=median")
    done = call(config, tmp_path / "lists", *asked)
    assert done.exit_code == 0, done.output
    assert "Likes are values from 4 on, the median of the model's training." in done.output
    same = call(config, tmp_path / "same")
    assert same.exit_code == 0, same.output
    assert pq.read_table(tmp_path / "lists").equals(pq.read_table(tmp_path / "same"))
    (extra / "report.json").write_text("{")
    damaged = call(config, tmp_path / "other", *asked)
    assert (damaged.exit_code, "report.json, which tells what was liked" in damaged.output) == (2, True), damaged.output


def test_the_version_that_serves_is_asked_unless_another_is_named(base: Path, tmp_path: Path) -> None:
    own = tmp_path / "serving"
    for version in (3, 4, 5):
        shutil.copytree(base / "3", own / str(version))
    (own / "5" / "saved_model.pb").write_text("another model")
    assert _model(own, None) == (5, own / "5")
    marking.rollback(own, 5, "bad")
    assert _model(own, None) == (4, own / "4")
    marking.pin(own, 3)
    assert _model(own, None) == (3, own / "3")
    assert _model(own, 5) == (5, own / "5")
