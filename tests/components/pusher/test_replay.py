"""The version that serves and the model that is to be pushed, asked for the same lists."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.pusher.config import PushConfig
from components.pusher.programs import NotServableError, Programs
from components.pusher.replay import Compared, describe, replay

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("forked_programs")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, of other weights and other catalogues, and examples of 30 users."""
    import keras

    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec
    from tests.pnfrec_keras.export.asking import IDS, LENGTH
    from tests.pnfrec_keras.writing import evaluation_example, write_records

    root = tmp_path_factory.mktemp("replay")
    for name, items, seed in (("old", 20, 1), ("new", 30, 2)):
        keras.utils.set_random_seed(seed)
        vocabulary = Vocabulary(IDS[:items], np.arange(items, 0, -1), np.arange(items, 0, -1))
        export_saved_model(PNFRec(items, max_length=LENGTH, dim=8), vocabulary, root / name)
    generator = np.random.default_rng(0)
    records = []
    for user in range(30):
        seen = [str(item) for item in generator.choice(IDS, 5, replace=False)]
        records.append(evaluation_example(seen[:3], seen, IDS[0], 1, user=f"u{user:02d}"))
    write_records(root / "examples" / "data.gz", records)
    return root


def compared(root: Path, new: str = "new", old: str = "old", examples: str = "examples") -> Compared:
    return Compared(str(root / new), str(root / old), str(root / examples))


def test_what_both_answer_is_compared(root: Path, programs: Programs) -> None:
    found = replay(compared(root), PushConfig(replay_users=12), programs)
    assert found is not None
    assert (found["users"], found["k"]) == (12, 10)
    assert 0 < found["overlap"] < 1
    assert -1 <= found["rank_correlation"] <= 1
    # The old model knows 20 of 30 items, the new one all.
    assert found["new"]["unknown_items"] == 0 < found["old"]["unknown_items"] < 1
    for side in ("new", "old"):
        assert sum(found[side]["popularity"]) == pytest.approx(1)
        assert found[side]["ms_a_user"] > 0
    text = describe(found)
    assert f"Replay of 12 users: {100 * found['overlap']:.0f} % of the 10 items" in text


def test_a_model_agrees_with_itself(root: Path, programs: Programs) -> None:
    found = replay(compared(root, old="new"), PushConfig(replay_users=100, min_overlap=1.0), programs)
    assert found is not None
    assert (found["users"], found["overlap"], found["rank_correlation"]) == (30, 1.0, pytest.approx(1.0))


def test_a_user_with_several_targets_is_one_user(root: Path, tmp_path: Path, programs: Programs) -> None:
    from tests.pnfrec_keras.export.asking import IDS
    from tests.pnfrec_keras.writing import evaluation_example, write_records

    histories = [(user, length) for user in ("a", "b", "c") for length in (1, 2, 3)]
    records = [evaluation_example(IDS[:length], IDS[:length], IDS[9], 1, user=user) for user, length in histories]
    for name, chosen in (("several", records), ("last", records[2::3])):
        write_records(tmp_path / name / "data.gz", chosen)
    several, last = (
        replay(compared(root)._replace(examples=str(tmp_path / name)), PushConfig(replay_users=3), programs)
        for name in ("several", "last")
    )
    assert several is not None
    assert last is not None
    assert several["users"] == 3
    assert several["overlap"] == last["overlap"]
    assert several["new"]["popularity"] == last["new"]["popularity"]


def test_lists_that_differ_too_much_are_not_pushed(root: Path, programs: Programs) -> None:
    with pytest.raises(NotServableError, match=r"`push\.min_overlap` is 0\.99\. Nothing was pushed"):
        replay(compared(root), PushConfig(replay_users=12, min_overlap=0.99), programs)


def test_a_version_that_cannot_be_loaded_stops_no_better_one(root: Path, tmp_path: Path, programs: Programs) -> None:
    shutil.copytree(root / "old", tmp_path / "broken")
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"no model")
    found = replay(
        compared(root)._replace(old=str(tmp_path / "broken")), PushConfig(replay_users=5, min_overlap=1.0), programs
    )
    assert found is not None
    assert "cannot be loaded" in describe(found)
    with pytest.raises(NotServableError, match="cannot be served"):
        replay(compared(root)._replace(new=str(tmp_path / "broken")), PushConfig(replay_users=5), programs)


def test_nothing_is_compared_without_users_or_examples(root: Path, programs: Programs) -> None:
    assert replay(compared(root), PushConfig(replay_users=0), programs) is None
    assert replay(compared(root, examples="gone"), PushConfig(), programs) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"replay_users": -1}, "0, for none, or more"),
        ({"min_overlap": 1.5}, "a share from 0 to 1"),
        ({"min_overlap": 0.5, "replay_users": 0}, "measured by the replay"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PushConfig(**settings)


def test_it_lies_beside_the_model_and_is_no_part_of_it(root: Path, tmp_path: Path, programs: Programs) -> None:
    from tfx.types import artifact_utils, standard_artifacts

    from components.pusher import executor

    base = tmp_path / "serving"
    shutil.copytree(root / "old", base / "5")
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "all")
    examples.split_names = artifact_utils.encode_split_names(["train", "test"])
    shutil.copytree(root / "examples", tmp_path / "all" / "Split-test")
    told = executor._replay(
        {"examples": [examples]}, str(root / "new"), str(base / "5"), PushConfig(replay_users=5), programs
    )
    ((name, text),) = told.items()
    assert name == "assets.extra/replay.json"
    assert json.loads(text)["users"] == 5
    (base / "5" / name).write_text(text)
    assert executor.same_files(str(root / "old"), str(base / "5"))
    # The first push has nothing to be compared with.
    assert executor._replay({"examples": [examples]}, str(root / "new"), "", PushConfig(), programs) == {}
    assert executor._replay({}, str(root / "new"), str(base / "5"), PushConfig(), programs) == {}
