"""What is heard of a trial while it runs."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from experiments.trial_process import Epochs, heard


def test_epochs_are_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    said: list[str] = []
    epochs = Epochs("PNFRec, seed 3", 100, said.append)
    for epoch, second in enumerate((10.0, 31.0, 45.0, 62.0), start=1):
        now[0] = second
        epochs(json.dumps({"epoch": epoch, "ndcg": 0.01 * epoch}) + "\n")
        epochs("what a library writes\n")
        epochs("[1]\n")
        epochs('{"epoch": 1}\n')
    assert said == [
        "    PNFRec, seed 3: epoch 2 of at most 100, validation NDCG 0.0200",
        "    PNFRec, seed 3: epoch 4 of at most 100, validation NDCG 0.0400",
    ]


def test_much_on_stderr_stops_nothing() -> None:
    script = "import sys; sys.stderr.write('x' * 500_000 + 'last words'); print('one'); print('two'); sys.exit(3)"
    lines: list[str] = []
    code, errors = heard([sys.executable, "-c", script], os.environ, lines.append)
    assert code == 3
    assert lines == ["one\n", "two\n"]
    assert errors.endswith("xlast words")


def test_lines_are_heard_as_they_come(tmp_path: Path) -> None:
    # The command ends only when it is answered, and for want of an answer after half a minute, with another status.
    answer = tmp_path / "answer"
    script = (
        "import os, sys, time\nprint('ready', flush=True)\nend = time.monotonic() + 30\n"
        "while not os.path.exists(sys.argv[1]):\n    assert time.monotonic() < end\n    time.sleep(0.01)\n"
    )

    def reply(line: str) -> None:
        assert line == "ready\n"
        answer.touch()

    assert heard([sys.executable, "-c", script, str(answer)], os.environ, reply) == (0, "")
