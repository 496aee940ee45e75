"""A training that is killed after its second epoch and gone on with, beside one that nobody disturbs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pnfrec_keras.training.fitting import TrainingResult
from tests.pnfrec_keras.training.chain import keeping


def killed_and_resumed(run: Callable[..., TrainingResult], folder: Path) -> tuple[TrainingResult, TrainingResult]:
    """What `run(state_dir=..., progress=...)` ends with, resumed from the state of its second epoch, and in one go."""

    whole = run(state_dir=folder / "whole", progress=keeping(folder / "whole", {2: folder / "killed"}))
    resumed = run(state_dir=folder / "killed")
    assert (resumed.resumed_from, whole.resumed_from) == (2, 0)
    assert len(resumed.history) == len(whole.history) > 2
    for one, two in zip(resumed.history, whole.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    return resumed, whole
