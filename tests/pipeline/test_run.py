"""`pnfrec run` and the process that it starts; a stub stands for the pipeline."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import run
from pipeline.local_runner import LIFELINE_FD
from pipeline.output_lock import exclusive
from tests.pipeline.world import write_config, write_feedback

ROOT = Path(__file__).parents[2]
# Takes the output folder, says so, and works for longer than any test waits. Only its lifeline ends it.
STUB = f"""
import os, signal, sys, tempfile, time
sys.path.insert(0, {str(ROOT)!r})
from pipeline import events, local_runner
from pnfrec_core.events import Compiling as AtWork
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
local_runner.die_with_parent()
config = local_runner.load_config(os.environ[local_runner.CONFIG])
with local_runner.exclusive(config.output_path):
    tempfile.mkdtemp()
    events.EventWriter().send(AtWork())
    time.sleep(300)
"""
# As from a terminal: whoever runs the tests in the background may have them ignore SIGINT, which is inherited.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline import run; "
    "run._COMMAND[1:] = [sys.argv.pop()]; run.run()"
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command, while its stub is at work in `out`."""
    (tmp_path / "stub.py").write_text(STUB)
    write_feedback(tmp_path / "ratings.csv")
    command = [sys.executable, "-c", COMMAND, "--config", str(write_config(tmp_path)), str(tmp_path / "stub.py")]
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any("compiling the first training step" in line for line in process.stdout)
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGKILL, -signal.SIGKILL, ""),
        (signal.SIGTERM, 143, "\nStopped. The next run goes on from what is complete.\n"),
        (signal.SIGINT, 130, "\nStopped. The next run goes on from what is complete.\n"),
    ],
)
def test_the_pipeline_ends_with_the_command(
    tmp_path: Path, running: "subprocess.Popen[str]", number: signal.Signals, status: int, said: str
) -> None:
    running.send_signal(number)
    assert running.wait(timeout=120) == status
    assert running.stderr is not None
    assert running.stderr.read() == said
    # Nobody is left to tidy up after SIGKILL.
    left = list((tmp_path / "temporary").glob("**/tmp*"))
    assert len(left) == (number == signal.SIGKILL)
    with exclusive(tmp_path / "out"):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("silent", ["open", "closed"], ids="its pipe {}".format)
def test_a_signal_that_does_not_wake_the_main_thread_is_obeyed(
    tmp_path: Path, number: signal.Signals, silent: str
) -> None:
    """As where it comes between the last look of the interpreter and the beginning of a wait: for an event, or for the
    end of a process that has closed its pipe.
    """
    closing = "import os; os.close(int(os.environ['PNFREC_EVENTS_FD']));" if silent == "closed" else ""
    stub = f"from pipeline import local_runner; local_runner.die_with_parent(); {closing} import time; time.sleep(300)"
    (tmp_path / "stub.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r}); {stub}")
    write_feedback(tmp_path / "ratings.csv")
    another_thread = (
        "import threading, time\n"
        "def later():\n"
        "    time.sleep(3)\n"
        f"    signal.pthread_kill(threading.get_ident(), {int(number)})\n"
        "import signal; threading.Thread(target=later).start()\n"
    )
    command = [
        *(sys.executable, "-c", another_thread + COMMAND),
        *("--config", str(write_config(tmp_path)), str(tmp_path / "stub.py")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (128 + number, "\nStopped. The next run goes on from what is complete.\n")


def test_a_process_that_dies_without_a_word_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_feedback(tmp_path / "ratings.csv")
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", "raise SystemExit(7)"])
    before = signal.getsignal(signal.SIGTERM)
    open_files = set(os.listdir("/dev/fd"))
    result = CliRunner().invoke(run.run, ["--config", str(write_config(tmp_path))])
    assert result.exit_code == 1
    assert "FAILED: The process ended with status 7." in result.output
    assert signal.getsignal(signal.SIGTERM) == before
    assert set(os.listdir("/dev/fd")) == open_files


def test_a_process_that_is_killed_names_its_node_and_the_likely_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_feedback(tmp_path / "ratings.csv")
    code = (
        "import os; from pipeline import events; events.EventWriter().send(events.NodeStarted('Evaluator'));"
        "os.kill(os.getpid(), 9)"
    )
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", code])
    result = CliRunner().invoke(run.run, ["--config", str(write_config(tmp_path))])
    assert result.exit_code == 1
    assert "FAILED in Evaluator: The process was killed (SIGKILL), as the system does when memory" in result.output


def test_the_lifeline_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os; from pipeline import events, local_runner; local_runner.die_with_parent();"
        f"events.EventWriter().send(events.RunFailed('', str({LIFELINE_FD!r} in os.environ)))"
    )
    write_feedback(tmp_path / "ratings.csv")
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", code])
    result = CliRunner().invoke(run.run, ["--config", str(write_config(tmp_path))])
    assert "FAILED: False" in result.output


def test_the_pipeline_stands_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_feedback(tmp_path / "ratings.csv")
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = (
        "import os; from pipeline import events, local_runner;"
        "name = local_runner.load_config(os.environ[local_runner.CONFIG]).name;"
        "events.EventWriter().send(events.RunFailed('', f'{name} in {os.getcwd()}'))"
    )
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", code])
    result = CliRunner().invoke(run.run, ["--config", "tiny.yaml"])
    assert f"FAILED: tiny in {tmp_path / 'out' / 'logs'}\n" in result.output


def test_an_override_of_several_lines_reaches_the_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_feedback(tmp_path / "ratings.csv")
    code = (
        "import os; from pipeline import events, local_runner as runner;"
        "overrides = runner.overrides_in(os.environ[runner.OVERRIDES]);"
        "query = runner.load_config(os.environ[runner.CONFIG], overrides).query;"
        "events.EventWriter().send(events.RunFailed('', f'{query.positive} {query.k}'))"
    )
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", code])
    told = ["--set", "query.positive=[a,\n  b]", "--set", "query.k=3"]
    result = CliRunner().invoke(run.run, ["--config", str(write_config(tmp_path)), *told])
    assert "FAILED: ['a', 'b'] 3\n" in result.output


def test_what_is_wrong_beforehand_is_listed_at_once_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = write_config(tmp_path, serving="file/serving", feedback={"files": ["none.csv"], "positive": 8})
    result = CliRunner().invoke(run.run, ["--config", str(config)])
    assert result.exit_code == 1
    first, *others = result.output.strip().splitlines()
    assert first == "FAILED: 2 things are wrong, and nothing has run."
    assert others == [
        f"  - `feedback.files`: there is no file {tmp_path}/none.csv. Relative paths are taken from `feedback.base`.",
        f"  - `serving`: {tmp_path}/file/serving cannot be made or written to (Not a directory). Choose another folder "
        "or its owner.",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "tiny.yaml"]


def test_what_is_worth_knowing_is_said_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_feedback(tmp_path / "ratings.csv")
    (tmp_path / "empty.csv").write_text("user,item,value,timestamp\n")
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", "raise SystemExit(7)"])
    config = write_config(tmp_path, feedback={"files": ["*.csv"], "positive": 8})
    result = CliRunner().invoke(run.run, ["--config", str(config)])
    assert f"\nNOTE  {tmp_path / 'empty.csv'} has no data row.\n" in result.output
