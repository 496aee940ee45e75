"""Two processes on this machine train one model: they take the steps that one takes, and one is lost and found."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pnfrec_core.imports import ROOT
from pnfrec_keras.export.load import load_model
from pnfrec_keras.network.weights import get_named_weights
from tests.pnfrec_keras.training import worker_pair
from tests.pnfrec_keras.training.chain import ITEMS
from tests.pnfrec_keras.training.worker_pair import CASES, EPOCHS, KILLED_AFTER

pytestmark = [pytest.mark.tensorflow, pytest.mark.e2e]

# Seconds after which it is a hang. A pair takes one minute, and a quarter of an hour beside much other work.
_LONGEST = 1800
EXACT = [name for name in CASES if "float16" not in name]


class Pair:
    """Two processes that have joined.

    Args:
        python: What runs them.
        folder: Where they leave what they found.
        part: What they do.
        script: A file to run instead, each in a folder of its own.
    """

    def __init__(self, python: str, folder: Path, part: str, script: Path | None = None) -> None:
        self.folder, self.part = folder, part
        self.addresses = free_addresses()
        program = ["-m", "tests.pnfrec_keras.training.worker_pair", str(self.folder), self.part]
        words = [python, *(program if script is None else [str(script)])]
        self.processes = [self._start(words, rank, ROOT if script is None else folder / str(rank)) for rank in range(2)]
        self._end = time.monotonic() + _LONGEST

    def _start(self, words: list[str], rank: int, here: Path) -> "subprocess.Popen[str]":
        task = {"type": "worker", "index": rank}
        config = json.dumps({"cluster": {"worker": self.addresses}, "task": task})
        with self._log(rank).open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                words,
                env={**os.environ, "TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": ""},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=here,
            )

    def _log(self, rank: int) -> Path:
        return self.folder / f"{self.part}-{rank}.log"

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def wait(self, rank: int) -> int:
        """How one of them ended."""
        return self.processes[rank].wait(max(self._end - time.monotonic(), 0))

    def wait_for(self, file: Path) -> None:
        while not file.exists():
            assert time.monotonic() < self._end, self.said(0)
            assert [process.poll() for process in self.processes] == [None, None], self.said(0) + self.said(1)
            time.sleep(0.05)

    def said(self, rank: int) -> str:
        return self._log(rank).read_text(encoding="utf-8")[-4000:]

    def found(self, rank: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{self.part}-{rank}.json").read_text(encoding="utf-8"))
        return found


def free_addresses() -> list[str]:
    """Two that nothing listened at a moment ago; those of the range from which systems choose."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pair")


@pytest.fixture(scope="module")
def pair(folder: Path, warm_python: str) -> Iterator[Pair]:
    """Both have trained all cases; then the second one was asked to end in the midst of a training."""
    with Pair(warm_python, folder, "first") as pair:
        pair.wait_for(folder / "kill")
        pair.processes[1].terminate()
        assert pair.wait(1) == -signal.SIGTERM, pair.said(1)
        (folder / "killed").touch()
        assert pair.wait(0) == 0, pair.said(0)
        yield pair


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same cases in this process."""
    folder = tmp_path_factory.mktemp("one")
    found = {name: worker_pair.train(name, folder / name, "none") for name in CASES}
    return {**found, "own rows": worker_pair.fit_own_rows(None)}


@pytest.mark.parametrize("name", [*EXACT, "own rows"])
def test_two_workers_take_the_steps_of_one(pair: Pair, one: dict[str, Any], name: str) -> None:
    found = pair.found(0)[name]
    for two, alone in zip(found["history"], one[name].history, strict=True):
        assert two == pytest.approx(alone, rel=1e-5)
        # Both groups were measured, and no measure is all or nothing.
        assert 0 < alone["val_ndcg_p"] != alone["val_ndcg_n"]
    assert found["history"] == pair.found(1)[name]["history"], "both come to the same"


@pytest.mark.parametrize(("name", "share"), [("float16", 0.02), ("bfloat16, dropout", 0.1)])
def test_half_precision_and_dropout_stay_close(pair: Pair, one: dict[str, Any], name: str, share: float) -> None:
    losses = [epoch["loss"] for epoch in pair.found(0)[name]["history"]]
    assert losses == pytest.approx([epoch["loss"] for epoch in one[name].history], rel=share)
    assert losses != [epoch["loss"] for epoch in pair.found(0)["plain"]["history"]]
    assert losses[-1] < losses[0]


def test_the_chief_alone_writes_and_reports(pair: Pair, folder: Path) -> None:
    chief, other = (pair.found(rank) for rank in range(2))
    for name in CASES:
        assert (chief[name]["progress"], other[name]["progress"]) == (list(range(1, EPOCHS + 1)), [])
        assert (folder / "state" / "0" / name / "state.npz").exists()
    assert not (folder / "state" / "1").exists()
    assert [path.name for path in (folder / "logs").iterdir()] == ["0"]


def test_its_export_is_that_of_one(pair: Pair, one: dict[str, Any], folder: Path) -> None:
    found, alone = (get_named_weights(model) for model in (load_model(folder / "export").model, one["plain"].model))
    assert list(found) == list(alone)
    for name, weights in alone.items():
        np.testing.assert_allclose(found[name], weights, rtol=1e-3, atol=1e-5)
    best = max(epoch["val_ndcg_p"] for epoch in one["plain"].history)
    assert pair.found(0)["measures"]["ndcg_p"] == pytest.approx(best, rel=1e-5)


def test_what_would_be_another_training_is_refused_by_all(pair: Pair) -> None:
    for found in map(pair.found, range(2)):
        assert "`training.batch_size` (9) must be a multiple of the 2 replicas of 2 workers" in found["batch"]
        who = [f"worker {rank} ({address})" for rank, address in enumerate(pair.addresses)]
        assert f"{who[1]} was given other data or settings than {who[0]}" in found["data"]
        differs = f"DifferentWorkersError: {who[1]} was given other data or settings than {who[0]}: "
        # Not the data of validation, and nothing of the settings.
        assert f"{differs}`positive` of the training data not the same. Each process must read" in found["data"]
        both = "`training.batch_size` 9 and not 10; `training.seed` 1 and not 0"
        assert f"{differs}{both}. Each process" in found["settings"]
        assert f"{differs}`model.num_items` {ITEMS + 1} and not {ITEMS}. Each process" in found["network"]
        assert "make it in their scope" in found["scope"]
        assert "`own_rows` cannot be with `model.trend_days`" in found["trend of own rows"]


def test_models_of_other_shapes_are_refused(tmp_path: Path, warm_python: str) -> None:
    """TensorFlow tells one of two of it; the other learns that it is gone."""
    with Pair(warm_python, tmp_path, "shapes") as pair:
        assert [pair.wait(rank) for rank in range(2)] == [0, 0], pair.said(0) + pair.said(1)
    found = [pair.found(rank)["shapes"] for rank in range(2)]
    assert any(
        re.match(r"DifferentWorkersError: worker \d .* of different shapes \(\[1\d,8\] and", each) for each in found
    )
    for each in found:
        assert "the same number of items: see that all read the same rows" in each


def test_a_step_that_overflows_in_one_is_left_out_by_all(pair: Pair) -> None:
    for found in map(pair.found, range(2)):
        assert found["overflow"] == [[1.0, 2.0], [np.inf, np.inf]]


def test_one_that_is_lost_is_named(pair: Pair) -> None:
    said = pair.found(0)["lost"]
    assert said.startswith(f"WorkerLostError: worker 1 ({pair.addresses[1]}) is lost or no longer answers"), said
    assert "Start all workers again" in said


def test_the_training_goes_on_where_it_was(pair: Pair, one: dict[str, Any], folder: Path, warm_python: str) -> None:
    assert pair.found(0)["lost"]
    with Pair(warm_python, folder, "second") as again:
        assert [again.wait(rank) for rank in range(2)] == [0, 0], again.said(0) + again.said(1)
    for rank in range(2):
        resumed = again.found(rank)["resumed"]
        assert resumed["from"] == KILLED_AFTER
        for two, alone in zip(resumed["history"], one["plain"].history, strict=True):
            assert two == pytest.approx(alone, rel=1e-5)
    assert not (folder / "nothing").exists()


def test_the_script_of_the_guide_runs(tmp_path: Path, warm_python: str) -> None:
    """On the users of every 50th id, for one epoch; else as it stands."""
    guide = (ROOT / "docs" / "guides" / "workers.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    ratings = pd.read_parquet(ROOT / "data" / "movietweetings" / "ratings.parquet")
    ratings[ratings["user"].astype(int) % 50 == 0].to_parquet(tmp_path / "ratings.parquet")
    changes = {"data/movietweetings/ratings.parquet": str(tmp_path / "ratings.parquet"), "epochs=20": "epochs=1"}
    for old, new in changes.items():
        assert script.count(old) == 1
        script = script.replace(old, new)
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
    with Pair(warm_python, tmp_path, "script", tmp_path / "train.py") as pair:
        assert [pair.wait(rank) for rank in range(2)] == [0, 0], pair.said(0) + pair.said(1)
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["my_model", "training_state"]
    assert not list((tmp_path / "1").iterdir())
    assert ["'ndcg_p': " in pair.said(rank) for rank in range(2)] == [True, False]
