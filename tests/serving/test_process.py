"""The server as a process of its own: start, queries, signals, errors at the start."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.client import RecommenderClient

COMMAND = [sys.executable, "-m", "serving.server"]
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _as_a_service() -> None:
    """With as many files as many systems allow, and without the deafness of `nohup`, under which tests may run."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def process(base: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [*COMMAND, "--base", str(base), "--port", "0", "--poll-seconds", "0.1"]
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=_as_a_service,
    )
    yield started
    started.kill()
    started.communicate()


def test_the_module_serves_until_sigterm_and_exits_cleanly(process: "subprocess.Popen[str]", base: Path) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if " serves " in line:
            break
    ready = re.search(rf"(127\.0\.0\.1:\d+) serves pnfrec, version 1 of {re.escape(str(base))}\.", seen[-1])
    assert ready is not None, "".join(seen)
    with RecommenderClient(ready[1], timeout=60) as client:
        assert client.recommend(["a"], k=1).items == [("b", 3.0)]
        # Of a service: whoever wants it to read its files anew does not mean its end.
        process.send_signal(signal.SIGHUP)
        for line in process.stdout:
            seen.append(line)
            if "SIGHUP changes nothing: files are read anew by themselves." in line:
                break
        assert client.recommend(["a"], k=1).items == [("b", 3.0)]
    if hasattr(resource, "prlimit"):  # Linux
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft >= min(hard, 10_240)
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0, rest
    assert "Stopping on SIGTERM." in rest
    assert "Traceback" not in "".join(seen) + rest


def test_a_signal_that_does_not_wake_the_main_thread_is_obeyed(base: Path) -> None:
    """As where it comes between the last look of the interpreter and the beginning of the wait."""
    code = (
        "import signal, sys, threading, time; from serving.server import serve; from serving.settings import *\n"
        "def later():\n"
        "    time.sleep(1)\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "def ready(server): threading.Thread(target=later).start()\n"
        "serve(ServerSettings(sys.argv[1], port=0), ready)\n"
    )
    command = [sys.executable, "-c", code, str(base / "none")]
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False)
    assert run.returncode == 0, run.stderr


def test_signals_that_come_at_every_step_of_the_wait_end_it(base: Path) -> None:
    """A handler that waits for a lock, which the main thread holds as it begins to wait, would wait for ever."""
    code = (
        "import os, signal, sys, threading; from serving.server import serve; from serving.settings import *\n"
        "def trace(frame, event, _):\n"
        "    if event == 'line' and frame.f_code.co_filename == threading.__file__:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    return trace\n"
        "def ready(server):\n"
        "    threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "    sys.settrace(trace)\n"
        "serve(ServerSettings(sys.argv[1], port=0), ready)\n"
        "sys.settrace(None)\n"
    )
    command = [sys.executable, "-c", code, str(base / "none")]
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False)
    assert run.returncode == 0, run.stderr


def test_a_signal_while_models_load_begins_no_further_load(base: Path, tmp_path: Path) -> None:
    code = (
        "import signal, sys; from serving import server; from serving.settings import *\n"
        "def load(path, version, **_):\n"
        "    print('loads', path)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    raise ValueError(path)\n"
        "server.load_model = load\n"
        "server.serve(ServerSettings(model_config_file=sys.argv[1], port=0), lambda _: print('ready'))\n"
    )
    names = ("films", "books")
    models = "".join(f'config {{ name: "{name}" base_path: "{base}" }}\n' for name in names)
    (tmp_path / "models.config").write_text(f"model_config_list {{ {models} }}")
    command = [sys.executable, "-c", code, str(tmp_path / "models.config")]
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False)
    assert (run.returncode, run.stdout.splitlines()) == (0, [f"loads {base / '1'}"]), run.stderr


def test_a_port_in_use_ends_the_start_with_one_clear_line(base: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = subprocess.run(
            [*COMMAND, "--base", str(base), "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=ENVIRONMENT,
        )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        f"Error: Cannot listen on 127.0.0.1:{port}: the port is in use, or the address is "
        "not one of this machine. Choose another with --port (0 picks a free one) or --host."
    )
    assert "Traceback" not in run.stderr
