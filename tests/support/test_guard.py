"""The guard of `make check`, in a run of pytest of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import importlib, importlib.util, multiprocessing, os, subprocess, sys, threading

def test_import():
    try:
        importlib.import_module("tensor" + "flow")
    except Exception:
        pass

def test_look():
    assert importlib.util.find_spec("tensorflow").origin

def test_process():
    getattr(subprocess, "run")([sys.executable, "-c", ""])

def test_fork():
    getattr(os, "fo" + "rk")()

def test_multiprocessing():
    context = getattr(multiprocessing, "get_" + "context")("spawn")
    context.Process(target=print).start()

def test_thread():
    def work():
        try:
            getattr(subprocess, "run")([sys.executable, "-c", ""])
        except Exception:
            pass
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def test_fine():
    pass
"""


@pytest.mark.process
def test_what_is_not_expected_fails(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom tests.support.guard import Guard\nGUARD = Guard()\n\n"
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_call(item):\n"
        "    with GUARD.watching():\n        return (yield)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", str(tmp_path), "-rfp"]
    found = subprocess.run(
        [*command, "-c", "/dev/null", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in found.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    ends = {words[1].partition("::")[2]: words[0] for words in lines}
    assert ends == {
        "test_import": "FAILED",
        "test_look": "PASSED",
        "test_process": "FAILED",
        "test_fork": "FAILED",
        "test_multiprocessing": "FAILED",
        "test_thread": "FAILED",
        "test_fine": "PASSED",
    }, found.stdout
