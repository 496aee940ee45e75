"""What reads the rows of a training leaves no file behind, however the process ends."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow

_READ = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
from pnfrec_keras.examples.arrays import even_batches, evaluation_dataset, training_dataset
from pnfrec_keras.examples.shares import Share
from tests.pnfrec_keras.training.chain import arrays
training, validation = arrays()
for share in (None, Share(0, 1, 2)):
    rows = training_dataset(training, 4, seed=1, epochs=1, share=share)
    for data in (even_batches(rows, 2), evaluation_dataset(validation, 8, share=share)):
        print(sum(1 for _ in data), flush=True)
os._exit(0)  # As one that is killed: nothing is tidied up.
"""


def test_autograph_writes_none(warm_python: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [warm_python, "-c", _READ, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.split() == ["6", "3"] * 2, done.stderr[-2000:]
    assert not list(tmp_path.iterdir())
