"""Every node of the compiled spec by its own container command, as open-source Kubeflow runs it, without a cluster.

Two days: the model is the one of a run on this machine, byte for byte; the second day finds its baseline; a
refused model fails the run. The interpreter is forked from one that has made the imports.
"""

import json
from pathlib import Path

import pytest

from pipeline import example_query
from pipeline.config import PipelineConfig, load_config
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.place import at_the_cluster
from pnfrec_core.versions import FINGERPRINT_FILE
from tests.e2e.command import Command
from tests.pipeline.kubeflow.cluster import Cluster, Done, Json
from tests.pipeline.world import write_at_random, write_config, write_feedback

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the volumes `data` and `state`."""
    folder = tmp_path_factory.mktemp("world")
    for name in ("data", "state"):
        (folder / name).mkdir()
    write_feedback(folder / "data" / "ratings.csv")
    write_config(folder / "data")
    return folder


def settings(world: Path, *overrides: str) -> PipelineConfig:
    volumes = f"kubeflow.volumes={{data: {world / 'data'}, state: {world / 'state'}}}"
    paths = [f"kubeflow.feedback={world / 'data'}", f"kubeflow.folder={world / 'state'}"]
    return load_config(world / "data" / "tiny.yaml", ["kubeflow.image=tiny:1", volumes, *paths, *overrides])


@pytest.fixture(scope="module")
def spec(world: Path) -> Json:
    return compile_pipeline(settings(world)).spec


@pytest.fixture(scope="module")
def cluster(world: Path, warm_python: str) -> Cluster:
    return Cluster(world, warm_python)


@pytest.fixture(scope="module")
def first(world: Path, spec: Json, cluster: Cluster) -> dict[str, Done]:
    assert (world / "data" / "ratings.csv").exists()
    return cluster.run(spec, "day-1")


@pytest.fixture(scope="module")
def second(world: Path, spec: Json, cluster: Cluster, first: dict[str, Done]) -> dict[str, Done]:
    """The next day, with more users, to whom something was shown at random."""
    succeeded(first)
    assert "at_random" not in spec["root"]["dag"]["tasks"]["Evaluator"]["inputs"]["parameters"]
    write_feedback(world / "data" / "ratings.csv", users=100)
    write_at_random(world / "data" / "random.csv", users=100)
    return cluster.run(compile_pipeline(settings(world, "feedback.random_files=[random.csv]")).spec, "day-2")


def succeeded(done: dict[str, Done]) -> None:
    failed = [f"{name}: {each.state}\n{each.log[-3000:]}" for name, each in done.items() if each.state != "SUCCEEDED"]
    assert not failed, "\n".join(failed)


def files(folder: Path) -> dict[str, bytes]:
    """What a model holds, but for the file in which TensorFlow 2.21 writes a random number."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != FINGERPRINT_FILE]
    assert paths, folder
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def pushed(world: Path) -> list[Path]:
    return sorted(path.parent for path in (world / "state" / "serving").glob("*/saved_model.pb"))


def report(cluster: Cluster, done: dict[str, Done]) -> Json:
    found: Json = json.loads(
        (cluster.stored(done["GateReporter"].outputs["report"]["uri"]) / "report.json").read_text()
    )
    return found


def test_every_node_runs_and_the_pushed_model_answers(
    world: Path, first: dict[str, Done], capfd: pytest.CaptureFixture[str]
) -> None:
    succeeded(first)
    assert len(pushed(world)) == 1
    example_query.show(at_the_cluster(settings(world)))
    answer = capfd.readouterr().out.partition("$ pnfrec query")[2]
    rows = [line.split() for line in answer.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["1", "2", "3"]


def test_the_model_is_that_of_a_run_on_this_machine(
    world: Path, cluster: Cluster, first: dict[str, Done], pnfrec: Command
) -> None:
    succeeded(first)
    local = pnfrec.run(world / "data" / "tiny.yaml")
    assert local.returncode == 0, local.stdout + local.stderr
    [model] = (world / "data" / "out" / "artifacts" / "SequenceTrainer" / "model").iterdir()
    there = files(cluster.stored(first["SequenceTrainer"].outputs["model"]["uri"]))
    assert there == files(model)
    assert "Format-Serving/saved_model.pb" in there


def test_the_first_day_has_no_baseline_and_the_second_that_of_the_first(
    world: Path, cluster: Cluster, first: dict[str, Done], second: dict[str, Done]
) -> None:
    succeeded(second)
    assert not report(cluster, first)["baseline_model"]
    assert report(cluster, second)["baseline_model"]
    assert "at_random" not in report(cluster, first)
    at_random = report(cluster, second)["at_random"]
    assert min(at_random["count_p"], at_random["count_n"]) > 5
    assert next(row for row in at_random["rows"] if row["metric"] == "ndcg_p")["baseline"] is not None
    models = [files(cluster.stored(done["SequenceTrainer"].outputs["model"]["uri"])) for done in (first, second)]
    baseline = files(cluster.stored(second["LastBlessedModel"].outputs["model"]["uri"]))
    assert baseline == models[0]
    assert baseline != models[1], "the second day read its own rows"
    assert len(pushed(world)) == 2


def test_a_refused_model_fails_the_run(world: Path, cluster: Cluster, second: dict[str, Done]) -> None:
    succeeded(second)
    strict = settings(world, "gate.bounds.hr_n.max=0.0", "kubeflow.retries=0")
    later = ("Evaluator", "GateReporter", "BaselineKeeper", "Pusher")
    before = {name: each for name, each in second.items() if name not in later}
    done = cluster.run(compile_pipeline(strict).spec, "refused", before)
    assert [done[name].state for name in later] == ["SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED"]
    last = done["BaselineKeeper"].log.strip()
    assert "NOT BLESSED: nothing is pushed" in last
    assert len(pushed(world)) == 2
