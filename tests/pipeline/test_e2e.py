"""The whole pipeline as a user runs it, in processes of its own. Slow: each run imports TFX."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NODES = [
    *("FeedbackGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate"),
    *("SequenceTrainer", "LastBlessedModel", "Evaluator", "GateReporter", "Pusher"),
]


def pnfrec_run(config: Path, *overrides: str, query: bool = False) -> "subprocess.CompletedProcess[str]":
    settings = [word for override in overrides for word in ("--set", override)]
    command = [str(BIN / "pnfrec"), "run", "--config", str(config), *settings, *(["--query"] if query else [])]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd="/")


def states(output: str) -> dict[str, str]:
    """Node to "cached" or "" from the progress lines."""
    found = {}
    for line in output.splitlines():
        words = line.split()
        if words and words[0] in NODES and "s" in words:
            found[words[0]] = words[3] if len(words) > 3 else ""
    return found


def versions(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in (folder / "out" / "serving").glob("*/saved_model.pb"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set and its configuration, on which the first run has been made."""
    folder = tmp_path_factory.mktemp("world")
    write_feedback(folder / "ratings.csv")
    write_config(folder)
    return folder


@pytest.fixture(scope="module")
def first(world: Path) -> "subprocess.CompletedProcess[str]":
    return pnfrec_run(world / "tiny.yaml", query=True)


def test_the_first_run_pushes_a_model_that_answers(world: Path, first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert list(states(first.stdout)) == NODES
    assert "epoch 3/3: loss" in first.stdout
    assert "Read: 1,440 rows, 90 users, 24 items" in first.stdout
    assert "BLESSED" in first.stdout
    assert "No blessed model yet" in first.stdout
    (version,) = versions(world)
    assert f"Pushed: {world / 'out' / 'serving' / version}" in first.stdout
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
    assert manifest["best_epoch"] in (1, 2, 3)
    assert len((extra / "items.jsonl").read_text().splitlines()) == 24


def test_a_repeated_run_reuses_everything(world: Path, first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0
    before = versions(world)
    again = pnfrec_run(world / "tiny.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    cached = {name for name, state in states(again.stdout).items() if state == "cached"}
    # The Pusher looks into the serving folder each time.
    assert cached == set(NODES) - {"LastBlessedModel", "Pusher"}
    assert versions(world) == before
    assert "Nothing new to push" in again.stdout


def test_a_gate_that_refuses_pushes_nothing_and_says_why(
    world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    refused = pnfrec_run(world / "tiny.yaml", "gate.bounds.ndcg_p.min=1.0")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert states(refused.stdout)["SequenceTrainer"] == "cached", "a changed gate trains nothing anew"
    assert states(refused.stdout)["Evaluator"] == ""
    assert "NOT BLESSED" in refused.stdout + refused.stderr
    line = next(line for line in refused.stdout.splitlines() if line.startswith("ndcg_p"))
    assert ">= 1" in line
    assert "FAIL" in line.upper()
    assert versions(world) == before


def test_a_changed_setting_trains_anew_and_is_compared_with_the_last_blessed_model(
    world: Path, first: "subprocess.CompletedProcess[str]"
) -> None:
    assert first.returncode == 0
    before = versions(world)
    # Untrained, it must lose against the first; a tolerance of nothing refuses it.
    worse = pnfrec_run(
        world / "tiny.yaml", "training.epochs=1", "training.learning_rate=1.0e-9", "gate.bounds.ndcg_p.max_loss=0.0"
    )
    assert worse.returncode == 3, worse.stdout + worse.stderr
    found = states(worse.stdout)
    assert found["FeedbackGen"] == "cached"
    assert found["SequenceTrainer"] == ""
    assert "No blessed model yet" not in worse.stdout
    assert versions(world) == before


def test_a_changed_input_is_read_anew(world: Path, first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0
    before = versions(world)
    time.sleep(1.1)  # versions are seconds
    write_feedback(world / "ratings.csv", users=100, seed=1)
    changed = pnfrec_run(world / "tiny.yaml")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert states(changed.stdout)["FeedbackGen"] == ""
    assert len(versions(world)) == len(before) + 1


def test_a_run_killed_in_training_is_taken_up_by_the_next(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path, training={"epochs": 60, "patience": 60, "batch_size": 32})
    command = [str(BIN / "pnfrec"), "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "epoch 3/" in line:
                # The command alone: the process that trains has to notice, and to let go of the folder.
                run.kill()
                break
    assert not versions(tmp_path)
    assert list((tmp_path / "out" / "training_state").glob("*/state.npz"))
    again = pnfrec_run(config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert states(again.stdout)["FeedbackGen"] == "cached"
    assert states(again.stdout)["SequenceTrainer"] == ""
    epochs = [int(number) for number in re.findall(r"epoch (\d+)/60:", again.stdout)]
    assert epochs[0] > 3, "the training goes on where it was"
    assert epochs == list(range(epochs[0], 61))
    assert len(versions(tmp_path)) == 1


def test_the_trainer_takes_the_set_that_the_tuner_found(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    feedback = {"files": ["ratings.csv"], "positive": 8, "validation_targets": "both"}
    space = {"dim": {"values": [8, 16]}, **dict.fromkeys(("alpha", "beta", "dropout"))}
    config = write_config(
        tmp_path, feedback=feedback, tuner={"enabled": True, "trials": 2, "epochs": 2, "space": space}
    )
    first = pnfrec_run(config)
    assert first.returncode == 0, first.stdout + first.stderr
    lines = [line.split(":")[0] for line in first.stdout.splitlines() if line.startswith("    trial ")]
    assert lines == ["    trial 1/2", "    trial 2/2"]
    assert "epoch 3/3: loss" in first.stdout, "the Trainer keeps its own number of epochs"
    extra = tmp_path / "out" / "serving" / versions(tmp_path)[-1] / "assets.extra"
    resolved = yaml.safe_load((extra / "config.yaml").read_text())
    choice = json.loads((extra / "manifest.json").read_text())["tuner"]
    assert choice == {"dim": resolved["model"]["dim"], "learning_rate": resolved["training"]["learning_rate"]}
    said = f"dim {choice['dim']}, learning_rate {choice['learning_rate']:.4g}\n       validation: objective "
    assert re.search(rf"Tuner: 2 trials, the best is trial [12]: {re.escape(said)}", first.stdout)
    again = pnfrec_run(config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"SequenceTuner .*cached", again.stdout)
    assert states(again.stdout)["SequenceTrainer"] == "cached"
    assert said in again.stdout


def test_two_runs_do_not_share_an_output(tmp_path: Path) -> None:
    import fcntl

    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = pnfrec_run(config)
    assert second.returncode == 1
    assert f"Another run is working in {tmp_path / 'out'}" in second.stderr


def test_bad_input_stops_with_one_sentence(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    text = (tmp_path / "ratings.csv").read_text().splitlines()
    text[5] = "u000,i04,seven,500"
    (tmp_path / "ratings.csv").write_text("\n".join(text) + "\n")
    stopped = pnfrec_run(write_config(tmp_path))
    assert stopped.returncode == 1
    assert "FAILED in FeedbackGen" in stopped.stderr
    assert "ratings.csv" in stopped.stderr
    assert "'seven'" in stopped.stderr
    assert "Traceback" not in stopped.stdout + stopped.stderr
    assert not versions(tmp_path)


def test_the_tfx_command_creates_and_runs_the_pipeline(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PNFREC_CONFIG": str(config),
        "LOCAL_HOME": str(tmp_path / "tfx"),
        "HOME": str(tmp_path),
    }

    def tfx(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(BIN / "tfx"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=600, env=environment, cwd=tmp_path
        )

    runner = ROOT / "pipeline" / "local_runner.py"
    created = tfx("pipeline", "create", "--engine", "local", "--pipeline_path", str(runner))
    assert created.returncode == 0, created.stdout + created.stderr
    assert 'Pipeline "tiny" created successfully.' in created.stdout
    assert not versions(tmp_path), "creating runs nothing"
    done = tfx("run", "create", "--engine", "local", "--pipeline_name", "tiny")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert len(versions(tmp_path)) == 1
