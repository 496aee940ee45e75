"""What runs on one folder do, one after another: the first, a repeated one, one whose gate refuses, and changed ones.

The first is the command as a user calls it, with all its imports; the others are forked from a process that has made
those already.
"""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from pipeline import run_record
from tests.e2e.command import INSTALLED, NODES, Command, states, versions
from tests.pipeline.world import write_at_random, write_config, write_feedback

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set and its configuration, on which the first run has been made."""
    folder = tmp_path_factory.mktemp("world")
    write_feedback(folder / "ratings.csv")
    write_config(folder)
    return folder


@pytest.fixture(scope="module")
def first(world: Path) -> "subprocess.CompletedProcess[str]":
    return INSTALLED.run(world / "tiny.yaml", query=True)


def test_the_first_run_pushes_a_model_that_answers(world: Path, first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert list(states(first.stdout)) == NODES
    assert "epoch 3/3: loss" in first.stdout
    assert "Read: 1,440 rows, 90 users, 24 items" in first.stdout
    assert "BLESSED" in first.stdout
    assert "No blessed model yet" in first.stdout
    served = next(line for line in first.stdout.splitlines() if line.startswith("Judged: the model of the report"))
    assert re.search(r"above. Served: refitted on everything: \d+ steps, 90 users", served), served
    (version,) = versions(world)
    assert f"Pushed: {world / 'out' / 'serving' / version}" in first.stdout
    (record,) = run_record.read(world / "out")
    assert (record["verdict"], record["version"], list(record["nodes"])) == ("pushed", version, NODES)
    assert [each["name"] for each in record["measures"]] == ["hr_n", "ndcg_p", "default_ndcg_p"]
    assert record["data"]["rows"] == 1440
    # The answer of the gRPC query: three rows, none of them an item of a history.
    answer = first.stdout[first.stdout.index("$ pnfrec query") :]
    rows = [line.split() for line in answer.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert "Disliked:" in answer
    assert not {"i00", "i02", "i01"} & {word for row in rows for word in row}
    assert not [line for line in first.stdout.splitlines() if "WARNING" in line or "Traceback" in line]


def test_what_made_the_model_lies_beside_it(world: Path, first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0
    extra = world / "out" / "serving" / versions(world)[-1] / "assets.extra"
    config = yaml.safe_load((extra / "config.yaml").read_text())
    assert config["training"]["learning_rate"] == 0.01
    assert config["feedback"]["positive"] == 8.0
    manifest = json.loads((extra / "manifest.json").read_text())
    assert manifest["items"] == 24
    record = json.loads((extra / "refit.json").read_text())
    assert record["serves"] == "refitted"
    assert manifest["refitted"]
    judged = record["judged"]
    assert judged["best_epoch"] in (1, 2, 3)
    assert manifest["steps"] == judged["best_epoch"] * judged["steps_per_epoch"]
    assert len((extra / "items.jsonl").read_text().splitlines()) == 24
    card = (extra / "model_card.md").read_text(encoding="utf-8")
    assert card.startswith("# Model card: tiny\n")
    assert f"as many steps ({manifest['steps']:,}). It knows 24 items, the judged one 24." in card
    assert "- **Read**: 1,440 rows, 90 users, 24 items" in card
    assert re.search(r"^- \*\*Date of training\*\*: 20\d\d-\d\d-\d\d \d\d:\d\d UTC$", card, re.MULTILINE)
    assert "not recorded" not in card.partition("## The model")[2]
    assert "<h1>Model card: tiny</h1>" in (extra / "model_card.html").read_text(encoding="utf-8")


def test_a_repeated_run_reuses_everything(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    again = pnfrec.run(world / "tiny.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    cached = {name for name, state in states(again.stdout).items() if state == "cached"}
    # The Pusher looks into the serving folder each time.
    assert cached == set(NODES) - {"LastBlessedModel", "Pusher"}
    assert versions(world) == before
    assert "Nothing new to push" in again.stdout


def test_a_gate_that_refuses_pushes_nothing_and_says_why(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    refused = pnfrec.run(world / "tiny.yaml", "gate.bounds.ndcg_p.min=1.0")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert states(refused.stdout)["SequenceTrainer"] == "cached", "a changed gate trains nothing anew"
    assert states(refused.stdout)["Evaluator"] == ""
    assert "reading the examples" not in refused.stdout, "nothing is refitted"
    assert "NOT BLESSED" in refused.stdout + refused.stderr
    line = next(line for line in refused.stdout.splitlines() if line.startswith("ndcg_p"))
    assert ">= 1" in line
    assert "FAIL" in line.upper()
    assert versions(world) == before


def test_a_model_that_other_bounds_bless_too_is_not_refitted_again(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    again = pnfrec.run(world / "tiny.yaml", "gate.bounds.ndcg_p.min=0.001")
    assert again.returncode == 0, again.stdout + again.stderr
    assert states(again.stdout)["Evaluator"] == states(again.stdout)["Refit"] == ""
    assert "reading the examples" not in again.stdout
    assert "Nothing new to push" in again.stdout
    assert versions(world) == before


def test_a_changed_setting_trains_anew_and_is_compared_with_the_last_blessed_model(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    # Untrained, it must lose against the first; a tolerance of nothing refuses it.
    worse = pnfrec.run(
        world / "tiny.yaml", "training.epochs=1", "training.learning_rate=1.0e-9", "gate.bounds.ndcg_p.max_loss=0.0"
    )
    assert worse.returncode == 3, worse.stdout + worse.stderr
    found = states(worse.stdout)
    assert found["FeedbackGen"] == "cached"
    assert found["SequenceTrainer"] == ""
    assert "No blessed model yet" not in worse.stdout
    assert versions(world) == before


def test_a_changed_input_is_read_anew_and_pushed_above_all_versions(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    # Of another exporter, which counts milliseconds, and has not finished.
    ahead = world / "out" / "serving" / f"{time.time_ns() // 1_000_000}"
    ahead.mkdir()
    write_feedback(world / "ratings.csv", users=100, seed=1)
    # From here on there is also a log of what was shown at random, to the same users.
    write_at_random(world / "random.csv", users=100)
    write_config(world, feedback={"files": ["ratings.csv"], "positive": 8, "random_files": ["random.csv"]})
    changed = pnfrec.run(world / "tiny.yaml")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert states(changed.stdout)["FeedbackGen"] == ""
    assert len(versions(world)) == len(before) + 1
    version = ahead.with_name(f"{int(ahead.name) + 1}")
    assert f"Pushed: {version} " in changed.stdout
    assert f"holds version {ahead.name}, which is not below the present time" in " ".join(changed.stdout.split())
    assert (version / "assets.extra" / "run.yaml").is_file()
    assert list(ahead.iterdir()) == []
    found = re.search(
        r"What was shown at random \(test_random; no bound applies\): (\d+) examples of group p, (\d+) of",
        changed.stdout,
    )
    assert found, changed.stdout
    *_, record = run_record.read(world / "out")
    assert record["test_random"]["targets"] == {"p": int(found[1]), "n": int(found[2])}
    assert min(map(int, found.groups())) > 5
    assert {each["bounds"] == [] for each in record["test_random"]["measures"]} == {True}
    assert [each["name"] for each in record["measures"]] == ["hr_n", "ndcg_p", "default_ndcg_p"]
    extra = version / "assets.extra"
    told = json.loads((extra / "report.json").read_text())["at_random"]
    assert (told["count_p"], told["count_n"]) == (int(found[1]), int(found[2]))
    (ndcg,) = (row for row in told["rows"] if row["metric"] == "ndcg_p")
    # Judged against the last blessed model, as the test is.
    assert ndcg["interval"] is not None
    assert ndcg["baseline"] is not None
    assert "What was shown at random (test_random" in (extra / "model_card.md").read_text(encoding="utf-8")


def test_a_model_that_was_rolled_back_is_neither_pushed_again_nor_compared_with(
    pnfrec: Command, world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    """After the runs above: two versions, of which the newest is bad."""
    assert first.returncode == 0
    before = versions(world)
    bad = max(before, key=int)
    base = world / "out" / "serving"
    words = [*pnfrec.program, "models", "rollback", "--config", str(world / "tiny.yaml"), "--reason", "one genre"]
    rolled = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, cwd="/")
    assert rolled.returncode == 0, rolled.stdout + rolled.stderr
    assert f"Version {bad} is bad" in rolled.stdout
    again = pnfrec.run(world / "tiny.yaml")
    assert again.returncode == 3, again.stdout + again.stderr
    assert states(again.stdout)["SequenceTrainer"] == "cached"
    # With what was shown at random, too.
    assert states(again.stdout)["Evaluator"] == "cached"
    assert "What was shown at random (test_random" in again.stdout
    told = " ".join((again.stdout + again.stderr).split())
    assert f"NOT PUSHED: this model is version {bad} of {base}, which was marked as bad" in told
    assert versions(world) == before
    # Blessed, but judged against the model before the bad one.
    other = pnfrec.run(world / "tiny.yaml", "training.epochs=2")
    assert other.returncode == 0, other.stdout + other.stderr
    assert f"version {bad} is no baseline, since it was marked as bad" in " ".join(other.stdout.split())
    assert len(versions(world)) == len(before) + 1
    words = [*pnfrec.program, "models", "list", "--base", str(base), "--json"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, cwd="/")
    rows = {str(row["version"]): row for row in json.loads(listed.stdout)["versions"]}
    assert rows[bad]["bad"]["reason"] == "one genre"
    bounded = [{measure["name"] for measure in rows[version]["measures"]} for version in versions(world)]
    assert bounded == [{"hr_n", "ndcg_p", "default_ndcg_p"}] * 3
    assert all(rows[version]["data"]["read"].endswith("24 items") for version in versions(world))
