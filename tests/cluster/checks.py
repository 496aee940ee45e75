"""What runs on a Flink cluster gives what runs in one process. `make cluster-test` runs it, `make test` does not."""

import math
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from components.feedback.config import FeedbackConfig
from components.feedback.run import generate
from pipeline.beam_config import BeamConfig
from tests.cluster import flink
from tests.cluster.conftest import Tell
from tests.cluster.feedback import ROWS, contents, write_feedback
from tests.cluster.fetch import FLINK, LackError, fetch

WEIGHTS = "Format-Serving/variables"
_PATIENCE_S = 1500


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, tell: Tell) -> Iterator[flink.Cluster]:
    tell("Beam's Flink runner is looked for, and fetched by Maven where it is not there.")
    try:
        jars = fetch(FLINK)
    except LackError as error:
        pytest.fail(f"The cluster cannot be made on this machine: {error}", pytrace=False)
    size = sum(jar.stat().st_size for jar in jars.iterdir()) / 1e6
    tell(f"{size:.0f} MB in .tools/{jars.name}. A JobManager, two TaskManagers and their workers start.")
    with flink.Cluster(tmp_path_factory.mktemp("flink"), jars).running() as made:
        tell(f"The cluster is there; its logs are in {made.folder}.")
        yield made


@pytest.fixture(scope="module")
def feedback(tmp_path_factory: pytest.TempPathFactory) -> FeedbackConfig:
    """Feedback in eight files."""
    return write_feedback(tmp_path_factory.mktemp("feedback"))


@pytest.fixture(scope="module")
def expected(feedback: FeedbackConfig, tmp_path_factory: pytest.TempPathFactory, tell: Tell) -> dict[str, str]:
    """What one process writes."""
    target = tmp_path_factory.mktemp("direct") / "out"
    begin = time.monotonic()
    generate(feedback, target)
    tell(f"FeedbackGen, {ROWS:,} rows in 8 files, in one process: {time.monotonic() - begin:.0f} s.")
    return contents(target)


def arguments(cluster: flink.Cluster, server: bool = True) -> list[str]:
    return BeamConfig("FlinkRunner", options=dict(cluster.options(server))).arguments()


def test_feedback_is_the_same_to_the_byte(
    cluster: flink.Cluster, feedback: FeedbackConfig, expected: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    begin = time.monotonic()
    generate(feedback, tmp_path / "out", arguments(cluster))
    taken = time.monotonic() - begin
    assert contents(tmp_path / "out") == expected
    job = cluster.jobs()[-1]
    assert job["state"] == "FINISHED"
    # The work of both, not of one that had it all.
    hosts = {host for host, _ in cluster.task_hosts(job["jid"])}
    assert hosts == {"taskmanager1", "taskmanager2"}
    tell(f"FeedbackGen on both TaskManagers: all {len(expected)} files the same to the byte, {taken:.0f} s.")


def test_a_job_server_that_beam_starts_gives_the_same(
    cluster: flink.Cluster, feedback: FeedbackConfig, expected: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    begin = time.monotonic()
    generate(feedback, tmp_path / "out", arguments(cluster, server=False))
    assert contents(tmp_path / "out") == expected
    tell(f"The same by a job server that Beam starts: the same to the byte, {time.monotonic() - begin:.0f} s.")


@pytest.fixture(scope="module")
def runs(cluster: flink.Cluster, tmp_path_factory: pytest.TempPathFactory, tell: Tell) -> dict[str, Path]:
    """Folders of two runs of the whole pipeline with the same settings: in one process, and on the cluster."""
    folder = tmp_path_factory.mktemp("runs")
    root = Path(__file__).parents[2]
    beams: dict[str, dict[str, Any]] = {
        "direct": {},
        "flink": {"runner": "FlinkRunner", "options": dict(cluster.options())},
    }
    for name, beam in beams.items():
        values = {
            "name": "movies",
            "output": str(folder / name),
            "feedback": {
                "files": ["ratings.parquet"],
                "base": str(root / "data/movietweetings"),
                "positive": 8,
                "shards": 4,
            },
            "model": {"dim": 16, "max_length": 20},
            "training": {"epochs": 2, "refit": False},
            "gate": {"bounds": {"hr_n": {"max": 1.0}, "ndcg_delta": {"min": -1.0}}},
            "beam": beam,
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        begun, begin = len(cluster.jobs()), time.monotonic()
        run_command("run", "--config", str(folder / f"{name}.yaml"))
        jobs = len(cluster.jobs()) - begun
        # Feedback, statistics and the evaluation.
        assert jobs >= (3 if name == "flink" else 0)
        where = f"its Beam steps on the cluster ({jobs} jobs)" if name == "flink" else "in one process"
        tell(f"pnfrec run on MovieTweetings, {where}: {time.monotonic() - begin:.0f} s.")
    return {name: folder / name for name in beams}


def run_command(*words: str) -> str:
    command = [str(Path(sys.executable).with_name("pnfrec")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def artifact(run: Path, node: str, output: str) -> Path:
    (found,) = (run / "artifacts" / node / output).iterdir()
    return found


def test_the_records_and_the_model_of_a_run_are_the_same(runs: dict[str, Path], tell: Tell) -> None:
    for node, output in (("FeedbackGen", "examples"), ("FeedbackGen", "vocabulary"), ("FeedbackGen", "statistics")):
        found = {name: contents(artifact(run, node, output)) for name, run in runs.items()}
        assert found["flink"] == found["direct"], (node, output)
    weights = {name: contents(artifact(run, "SequenceTrainer", "model") / WEIGHTS) for name, run in runs.items()}
    assert weights["flink"] == weights["direct"]
    tell("Both runs: examples, vocabulary, statistics.json and the weights of the model the same to the byte.")


def test_the_statistics_of_a_run_agree(runs: dict[str, Path], tell: Tell) -> None:
    import tensorflow_data_validation as tfdv

    found = {}
    for name, run in runs.items():
        path = artifact(run, "StatisticsGen", "statistics") / "Split-train" / "FeatureStats.pb"
        found[name] = tfdv.load_stats_binary(str(path)).datasets[0]
    assert found["flink"].num_examples == found["direct"].num_examples > 0
    features = {name: {each.path.step[0]: each for each in dataset.features} for name, dataset in found.items()}
    assert features["flink"].keys() == features["direct"].keys()
    for name, direct in features["direct"].items():
        other = features["flink"][name]
        assert other.type == direct.type
        kind = direct.WhichOneof("stats")
        stats, others = getattr(direct, kind), getattr(other, kind)
        for field in ("num_non_missing", "tot_num_values", "max_num_values"):
            assert getattr(others.common_stats, field) == getattr(stats.common_stats, field), (name, field)
        if kind == "num_stats":
            assert math.isclose(others.mean, stats.mean, rel_tol=1e-9)
            assert (others.min, others.max) == (stats.min, stats.max)
    tell(f"Both runs: StatisticsGen of {len(features['direct'])} features: counts the same, means to 1e-9.")


def test_the_measures_of_a_run_agree(runs: dict[str, Path], tell: Tell) -> None:
    import tensorflow_model_analysis as tfma

    found: dict[str, dict[str, float]] = {}
    for name, run in runs.items():
        result = tfma.load_eval_result(str(artifact(run, "Evaluator", "evaluation")))
        found[name] = {
            # A text where it is not a number, as diversity is without groups of items.
            f"{slice_key}/{measure}": float(value["doubleValue"])
            for slice_key, outputs in result.slicing_metrics
            for measure, value in outputs[""][""].items()
            if "doubleValue" in value
        }
    assert found["flink"].keys() == found["direct"].keys()
    numbers = {measure: value for measure, value in found["direct"].items() if not math.isnan(value)}
    assert len(numbers) > 5
    for measure, value in found["flink"].items():
        assert math.isnan(value) == (measure not in numbers), measure
    for measure, value in numbers.items():
        assert math.isclose(found["flink"][measure], value, rel_tol=1e-9, abs_tol=1e-9), measure
    tell(f"Both runs: the Evaluator's {len(numbers)} numbers the same to 1e-9.")


def test_lists_for_all_users_are_the_same(runs: dict[str, Path], tmp_path: Path, tell: Tell) -> None:
    seconds = {}
    for name, run in runs.items():
        begin = time.monotonic()
        config = run.with_suffix(".yaml")
        serving = runs["direct"] / "serving"
        run_command("recommend", "--config", str(config), "--base", str(serving), "--output", str(tmp_path / name))
        seconds[name] = time.monotonic() - begin
    tables = {name: pq.read_table(tmp_path / name) for name in runs}
    assert tables["flink"].equals(tables["direct"])
    assert len(tables["direct"]) > 10_000
    taken = f"{seconds['flink']:.0f} s on the cluster, {seconds['direct']:.0f} s in one process"
    tell(f"pnfrec recommend for all users: the same {len(tables['direct']):,} rows, {taken}.")


def test_a_run_ends_right_when_a_task_manager_is_killed(
    cluster: flink.Cluster, feedback: FeedbackConfig, expected: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    before = len(cluster.jobs())
    killed: list[str] = []

    def kill() -> None:
        """When the shards have been grouped, and the work on them has begun."""
        end = time.monotonic() + 600
        while time.monotonic() < end and not killed:
            if len(jobs := cluster.jobs()) > before:
                job = cluster.job(jobs[-1]["jid"])
                states = {vertex["name"]: vertex["status"] for vertex in job["vertices"]}
                begun = [name for name, state in states.items() if state in ("RUNNING", "FINISHED")]
                if any("Feedback/Build" in name for name in begun) and job["state"] == "RUNNING":
                    cluster.kill_task_manager(1)
                    killed.append(jobs[-1]["jid"])
            time.sleep(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    generate(feedback, tmp_path / "out", arguments(cluster))
    killer.join()
    assert killed, "the job had ended before a TaskManager could be killed"
    assert contents(tmp_path / "out") == expected
    assert cluster.job(killed[0])["state"] == "FINISHED"
    assert any("taskmanager1" in reason for reason in cluster.failures(killed[0])), cluster.failures(killed[0])
    tell(
        "FeedbackGen, a TaskManager and its workers killed in its midst (SIGKILL): Flink began anew on the other one, "
        f"and all {len(expected)} files are the same to the byte."
    )
    shutil.rmtree(tmp_path / "out")
