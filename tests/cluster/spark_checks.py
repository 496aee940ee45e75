"""What FeedbackGen writes on a Spark cluster is what it writes in one process. `make cluster-test` runs it."""

import time
from pathlib import Path

import pytest

from components.feedback.run import generate
from pipeline.beam_config import BeamConfig
from tests.cluster import spark
from tests.cluster.conftest import Tell
from tests.cluster.feedback import ROWS, contents, write_feedback
from tests.cluster.fetch import SPARK, LackError, fetch


def test_feedback_is_the_same_to_the_byte(tmp_path: Path, tell: Tell) -> None:
    tell("Beam's Spark runner is looked for, and fetched by Maven where it is not there.")
    try:
        jars = fetch(SPARK)
    except LackError as error:
        pytest.fail(f"The cluster cannot be made on this machine: {error}", pytrace=False)
    size = sum(jar.stat().st_size for jar in jars.iterdir()) / 1e6
    tell(f"{size:.0f} MB in .tools/{jars.name}. A master, two workers and Beam's job server start.")
    for name in ("feedback", "spark"):
        (tmp_path / name).mkdir()
    feedback = write_feedback(tmp_path / "feedback")
    begin = time.monotonic()
    generate(feedback, tmp_path / "direct")
    tell(f"FeedbackGen, {ROWS:,} rows in 8 files, in one process: {time.monotonic() - begin:.0f} s.")
    expected = contents(tmp_path / "direct")
    with spark.Cluster(tmp_path / "spark", jars).running() as cluster:
        begin = time.monotonic()
        generate(feedback, tmp_path / "out", BeamConfig("SparkRunner", options=dict(cluster.options())).arguments())
        taken = time.monotonic() - begin
        assert contents(tmp_path / "out") == expected
        (job,) = cluster.jobs()
        assert job["state"] == "FINISHED"
        assert cluster.workers_of(job["id"]) == {"work1", "work2"}
    tell(f"FeedbackGen on both workers: all {len(expected)} files the same to the byte, {taken:.0f} s.")
