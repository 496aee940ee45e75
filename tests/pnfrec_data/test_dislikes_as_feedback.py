"""What is prepared of data with real dislikes, read under the shipped configurations."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from components.feedback.config import FeedbackConfig
from pipeline.config import load_config
from tests.components.feedback import local, support
from tests.pnfrec_data.made_dislikes import kuairand_logs, view, vk_weeks, yambda_files
from tests.pnfrec_data.sources import made

ROOT = Path(__file__).parents[2]
SMALL = ["feedback.min_item_users=1", "feedback.min_user_items=1", "feedback.min_positives=1"]


def feedback(name: str, base: Path, *more: str) -> FeedbackConfig:
    return load_config(ROOT / "configs" / f"{name}.yaml", [*SMALL, f"feedback.base={base}", *more]).feedback


def histories(output: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Liked and disliked items of each user in training."""
    train = support.all_examples(output)["train"]
    return {each["user_id"]: (each["positive_item_ids"], each["negative_item_ids"]) for each in train}


def targets(output: Path) -> set[tuple[str, str, int]]:
    examples = support.all_examples(output)
    found = [each for split in ("validation", "test") for each in examples[split]]
    return {(each["user_id"], each["target_item_id"], each["target_is_positive"]) for each in found}


def warnings(statistics: dict[str, Any]) -> str:
    return " ".join(statistics["warnings"])


def test_yambda_is_cut_as_the_publisher_cuts_it(tmp_path: Path) -> None:
    start, gap = 25_913_600, 1_800
    source = yambda_files(
        tmp_path / "in",
        # Track 5 was liked, disliked, and liked again; 6 was disliked last; 7 lies in the gap, 8 just before it.
        likes=[
            *[(1, 5, 0), (1, 5, 400), (1, 6, 100), (1, 7, start - gap), (1, 8, start - gap - 5), (1, 5, start)],
            (2, 8, 10),
        ],
        dislikes=[(1, 5, 200), (1, 6, 300), (2, 6, 5), (2, 5, start + 5)],
        undislikes=[],
    )
    made("yambda-50m", source, tmp_path / "data" / "yambda-50m")
    statistics = local.generate(feedback("yambda-50m", tmp_path), tmp_path / "out", 64)
    assert statistics["split"]["time"] == start
    assert statistics["rows"]["dropped"]["gap"] == 1
    assert histories(tmp_path / "out") == {"1": (["5", "8"], ["6"]), "2": (["8"], ["6"])}
    assert targets(tmp_path / "out") == {("1", "5", 1), ("2", "5", 0)}
    assert "before 1990" not in warnings(statistics), "dates of 1970 are no error here"
    loud = local.generate(feedback("yambda-50m", tmp_path, "feedback.limits.early_rows=0.0"), tmp_path / "loud", 64)
    assert "rows are from before 1990" in warnings(loud)


EVENTS = """
- {name: likes, files: [in/likes.parquet], polarity: like, columns: {user: uid, item: item_id}}
- {name: dislikes, files: [in/dislikes.parquet], polarity: dislike, columns: {user: uid, item: item_id}}
- {name: undislikes, files: [in/undislikes.parquet], cancels: [dislikes], columns: {user: uid, item: item_id}}
"""


def some_events(random: np.random.Generator, count: int) -> list[tuple[int, int, int]]:
    """Of few users and tracks, half of them around the end of training, in steps of 5 s, so that many tie."""
    users, tracks = random.integers(1, 12, count), random.integers(1, 9, count)
    early, late = random.integers(0, 200, count), 25_913_600 - 2_400 + 5 * random.integers(0, 800, count)
    times = np.where(random.random(count) < 0.5, 5 * early, late)
    return sorted(zip(users.tolist(), tracks.tolist(), times.tolist(), strict=True), key=lambda row: (row[0], row[2]))


@pytest.mark.parametrize("duplicates", ["all", "first", "last"])
@pytest.mark.parametrize("least", [1, 5])
def test_events_are_what_preparing_makes_of_them(tmp_path: Path, least: int, duplicates: str) -> None:
    """Files of Yambda's shape, as events, and merged by `pnfrec data prepare` before the pipeline: the same bytes."""
    random = np.random.default_rng(least)
    sizes = {"likes": 260, "dislikes": 160, "undislikes": 160}
    source = yambda_files(tmp_path / "in", **{name: some_events(random, count) for name, count in sizes.items()})
    made("yambda-50m", source, tmp_path / "data" / "yambda-50m")
    rules = [f"feedback.min_item_users={least}", f"feedback.min_user_items={least}", "feedback.targets=successive"]
    rules += [f"feedback.duplicates={duplicates}", "feedback.shards=3"]
    prepared = feedback("yambda-50m", tmp_path, *rules)
    events = yaml.safe_dump(yaml.safe_load(EVENTS), default_flow_style=True, width=10_000).strip()
    merged = feedback("yambda-50m", tmp_path, *rules, "feedback.files=[]", f"feedback.events={events}")
    before = local.generate(prepared, tmp_path / "prepared", 64)
    after = local.generate(merged, tmp_path / "events", 64)
    names = [file.relative_to(tmp_path / "prepared") for file in (tmp_path / "prepared").rglob("*") if file.is_file()]
    compared = [name for name in names if name.parts[0].startswith(("Split-", "vocabulary"))]
    assert len(compared) == 10
    for name in compared:
        assert (tmp_path / "prepared" / name).read_bytes() == (tmp_path / "events" / name).read_bytes(), name
    assert before["rows"]["kept"] == after["rows"]["kept"]
    assert before["examples"]["train"]["all"] > 5
    undone = after["events"]["undislikes"]
    assert min(undone["took_back"], undone["too_late_for_training"], undone["nothing_to_take_back"]) > 2, undone
    assert (
        after["rows"]["dropped"]["taken_back"] == after["rows"]["read"] - before["rows"]["read"] - sizes["undislikes"]
    )


def test_vk_lsvd_is_cut_at_its_week_of_validation(tmp_path: Path) -> None:
    source = vk_weeks(
        tmp_path / "in",
        week_0=[(1, 10, True, False), (2, 11, True, False), (2, 10, False, True)],
        week_24=[(1, 11, False, True)],
        week_25=[(2, 12, False, False), (1, 10, False, True)],
        week_26=[(2, 11, True, False)],
    )
    made("vk-lsvd", source, tmp_path / "data" / "vk-lsvd")
    local.generate(feedback("vk-lsvd", tmp_path), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"1": (["10"], ["11"]), "2": (["11"], ["10"])}
    assert targets(tmp_path / "out") == {("1", "10", 0), ("2", "11", 1)}


def test_the_logs_of_kuairand_are_merged_by_time(tmp_path: Path) -> None:
    later = "".join(view(7, 20 + second, 100 + second, "w") for second in range(2))
    folder = kuairand_logs(
        tmp_path / "in",
        view(7, 1, 5, "l") + view(7, 2, 1, "w"),
        view(7, 4, 9, "h") + later,
        view(7, 9, 3, "w", 1) + view(7, 8, 7, "h", 1),
    )
    made("kuairand-pure", folder, tmp_path / "data" / "kuairand-pure")
    settings = ["feedback.split_time=1650513700000"]
    local.generate(feedback("kuairand-pure", tmp_path, *settings), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"7": (["2", "1"], ["4"])}
    both = ["feedback.files=[data/kuairand-pure/ratings.parquet, data/kuairand-pure/random.parquet]"]
    both += ["feedback.random_files=[]"]
    local.generate(feedback("kuairand-pure", tmp_path, *settings, *both), tmp_path / "both", 64)
    (example,) = support.all_examples(tmp_path / "both")["train"]
    assert (example["positive_item_ids"], example["negative_item_ids"]) == (["2", "9", "1"], ["8", "4"])
    assert example["history_is_positive"] == [1, 1, 1, 0, 0]
    by_hand = ["feedback.split_time=1650513609000", "feedback.files=[data/kuairand-pure/explicit.parquet]"]
    local.generate(feedback("kuairand-pure", tmp_path, *by_hand), tmp_path / "x", 64)
    assert histories(tmp_path / "x") == {"7": (["1"], [])}


def test_what_kuairand_showed_at_random_is_a_test_set(tmp_path: Path) -> None:
    later = "".join(view(7, 20 + second, 100 + second, "w") for second in range(2))
    folder = kuairand_logs(
        tmp_path / "in",
        view(7, 1, 5, "l") + view(7, 2, 1, "w") + view(8, 5, 2, "w"),
        view(7, 4, 9, "h") + later,
        view(7, 5, 3, "w", 1) + view(7, 5, 105, "h", 1),
    )
    made("kuairand-pure", folder, tmp_path / "data" / "kuairand-pure")
    statistics = local.generate(
        feedback("kuairand-pure", tmp_path, "feedback.split_time=1650513700000"), tmp_path / "out", 64
    )
    (example,) = support.read_examples(tmp_path / "out", "test_random")
    found = (example["positive_item_ids"], example["negative_item_ids"], example["target_item_id"])
    assert found == (["2", "1"], ["4"], "5"), "20 and 21 are held out, and unknown to training"
    assert example["target_is_positive"] == 0
    assert statistics["test_random"]["rows"]["dropped"] == {"before_split": 1}
