"""A training that is killed after its second epoch and gone on with, beside one that nobody disturbs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pnfrec_keras.training.fitting import TrainingResult


class Killed(BaseException):
    """As a signal would end the process: nothing on the way catches it."""


def killed_and_resumed(run: Callable[..., TrainingResult], folder: Path) -> tuple[TrainingResult, TrainingResult]:
    """What `run(state_dir=..., progress=...)` ends with, killed and resumed, and in one go."""

    def kill(epoch: int, logs: dict[str, float]) -> None:
        del logs
        if epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        run(state_dir=folder / "killed", progress=kill)
    resumed, whole = run(state_dir=folder / "killed"), run(state_dir=folder / "whole")
    assert (resumed.resumed_from, whole.resumed_from) == (2, 0)
    assert len(resumed.history) == len(whole.history) > 2
    for one, two in zip(resumed.history, whole.history, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    return resumed, whole
