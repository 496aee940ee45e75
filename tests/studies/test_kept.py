"""Files of a trial that a power cut left half written, or somebody changed."""

import json
from pathlib import Path

import numpy as np
import pytest

from studies.kept import DamagedTrialError, read_ranks, read_result
from studies.outputs import TRIAL_RANKS, TRIAL_RESULT


@pytest.mark.parametrize("content", ["", '{"arm": "po', "[]", "null", "{}"])
def test_a_damaged_result_is_named_with_the_remedy(tmp_path: Path, content: str) -> None:
    (tmp_path / TRIAL_RESULT).write_text(content)
    with pytest.raises(DamagedTrialError, match=rf"{TRIAL_RESULT}: the file is damaged .*Remove {tmp_path} and run"):
        read_result(tmp_path)
    (tmp_path / TRIAL_RESULT).write_text(json.dumps({"arm": "popular"}))
    assert read_result(tmp_path) == {"arm": "popular"}


def test_damaged_ranks_are_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / TRIAL_RANKS
    with pytest.raises(DamagedTrialError, match=rf"{TRIAL_RANKS}: the file is damaged"):
        read_ranks(tmp_path)
    np.savez(path, test_rank=np.arange(3), test_user=np.array(["a", "b", "c"]))
    assert read_ranks(tmp_path)["test_user"].tolist() == ["a", "b", "c"]
    whole = path.read_bytes()
    for content in (b"", whole[:-30], whole[:200]):
        path.write_bytes(content)
        with pytest.raises(DamagedTrialError, match=rf"{TRIAL_RANKS}: the file is damaged .*Remove {tmp_path}"):
            read_ranks(tmp_path)
