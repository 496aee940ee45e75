"""The clock of the machine is put back, or forward, while a run goes on."""

import json
import logging
import re
import sys
import time
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import daily_command, run, run_log
from pipeline.began import Began
from tests.pipeline.world import write_config, write_feedback

# The clock of the process that runs the pipeline is an hour behind that of the one that has started it.
CHILD = """
import time
now = time.time
time.time = lambda: now() + {}
from pipeline import events
writer = events.EventWriter()
writer.send(events.NodeStarted("FeedbackGen"))
writer.send(events.NodeFinished("FeedbackGen", "complete"))
writer.send(events.RunFailed("Trainer", "The loss became nan."))
"""


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_run_takes_as_long_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path)
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", CHILD.format(seconds)])
    began, calls = time.time(), count()
    monkeypatch.setattr(time, "time", lambda: began + seconds * next(calls))
    result = CliRunner().invoke(daily_command.daily, ["--config", str(config)])
    record = json.loads(result.stdout.splitlines()[-1])
    assert 0 <= record["seconds"] < 600
    assert 0 <= record["nodes"]["FeedbackGen"]["seconds"] < 600
    shown = [float(found) for found in re.findall(r"(-?[\d.]+) s$", result.stdout, re.MULTILINE)]
    assert len(shown) == 2
    assert all(0 <= number < 600 for number in shown)


def test_a_wrong_configuration_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, calls = time.time(), count()
    monkeypatch.setattr(time, "time", lambda: began - 100 * next(calls))
    result = CliRunner().invoke(daily_command.daily, ["--config", str(tmp_path / "none.yaml")])
    assert 0 <= json.loads(result.stdout.splitlines()[-1])["seconds"] < 60


def test_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.5)
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    began = Began.now()
    monkeypatch.setattr(time, "time", lambda: 5.0)
    monkeypatch.setattr(time, "monotonic", lambda: 9.5)
    assert (began, began.seconds) == ((1000.5, 7.0), 2.5)


def test_logs_are_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        root = logging.getLogger()
        monkeypatch.setattr(root, "handlers", [])
        monkeypatch.setattr(root, "level", root.level)
        run_log.set_up()
        record = logging.LogRecord("pipeline", logging.INFO, __file__, 1, "said", (), None)
        record.created, record.msecs = 1_762_063_800.0, 0.0  # half past one for the second time that night
        assert root.handlers[0].format(record) == "2025-11-02 06:10:00,000 UTC INFO pipeline: said"
        assert re.fullmatch(r"run-\d{8}-\d{6}Z-\d+\.log", run._new_log(tmp_path).name)
    finally:
        monkeypatch.undo()
        time.tzset()
