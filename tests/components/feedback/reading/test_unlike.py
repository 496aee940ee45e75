"""A file that is unlike all others is told by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading import unlike as unlike_files
from components.feedback.reading.plan import make_plan
from components.feedback.reading.unlike import unlike
from components.feedback.run import generate

DAYS = 5
ROWS = 300


def day(number: int, rows: int = ROWS) -> pd.DataFrame:
    """Of many users that mostly come once, as in a service of some size."""
    random = np.random.default_rng(number)
    frame: pd.DataFrame = pd.DataFrame(
        {
            "user": [f"u{user}" for user in random.integers(0, 2000, rows)],
            "item": [f"i{item}" for item in random.integers(0, 60, rows)],
            "value": random.integers(1, 6, rows),
            "timestamp": 1_700_000_000 + 86_400 * number + np.sort(random.integers(0, 86_400, rows)),
        }
    )
    return frame


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    renamed: pd.DataFrame = frame.rename(columns={"user": "item", "item": "user"})
    return renamed


def write(folder: Path, frames: list[pd.DataFrame], suffix: str = "csv") -> list[str]:
    paths = []
    for number, frame in enumerate(frames):
        path = folder / f"d{number:03d}.{suffix}"
        _ = frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path, index=False)
        paths.append(str(path))
    return paths


def told(folder: Path, suffix: str = "csv", **settings: Any) -> list[str]:
    config = FeedbackConfig([f"*.{suffix}"], base=str(folder), **settings)
    return list(unlike(make_plan(config).pieces, config))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "ids", [lambda text: text, lambda text: text.str[1:].astype(int) + 10_000 * (text.str[0] == "i")]
)
def test_a_file_with_users_and_items_swapped(tmp_path: Path, suffix: str, ids: Callable[[Any], Any]) -> None:
    frames = [
        day(number).assign(user=lambda f: ids(f["user"]), item=lambda f: ids(f["item"])) for number in range(DAYS)
    ]
    paths = write(tmp_path, [*frames[:3], swapped(frames[3]), frames[4]], suffix)
    assert told(tmp_path, suffix) == [
        f"1 of 5 files, {paths[3]}: the users there are items of the other files, and the items users, by the first "
        "rows. The two columns seem to be swapped: correct the file, or its header or `feedback.names`."
    ]


def test_of_two_files_nobody_knows_which_one_is_right(tmp_path: Path) -> None:
    paths = write(tmp_path, [day(0), swapped(day(1))])
    (text,) = told(tmp_path)
    assert text.startswith(f"2 of 2 files, {paths[0]}, {paths[1]}: the users there are items of the other files")


def numbered(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Users and items that are numbers from 1 on, some of which come more often than others, a few of them new."""
    random = np.random.default_rng(seed)
    users, items = (np.random.default_rng(100 + role).permutation(400) for role in range(2))
    columns = [np.minimum(random.zipf(1.4, rows), 400 - 1) for _ in range(2)]
    frame = day(seed, rows)
    frame["user"], frame["item"] = users[columns[0]] + 1, items[columns[1]] + 1
    return frame


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_swapped_columns_of_numbers_that_overlap(tmp_path: Path, suffix: str) -> None:
    frames = [numbered(number) for number in range(6)]
    paths = write(tmp_path, frames, suffix)
    assert told(tmp_path, suffix) == []
    write(tmp_path, [*frames[:2], swapped(frames[2]), *frames[3:]], suffix)
    assert told(tmp_path, suffix) == [
        f"1 of 6 files, {paths[2]}: by the first rows the ids of users come as often as those of items do in the other "
        "files, and the other way round. The two columns may be swapped: look at the file, and correct it, or its "
        "header or `feedback.names`."
    ]


def test_overlapping_numbers_of_few_files_or_without_any_difference_tell_nothing(tmp_path: Path) -> None:
    write(tmp_path, [numbered(0), swapped(numbered(1)), numbered(2)])
    assert told(tmp_path) == [], "three files"
    even = []
    for number in range(8):
        random = np.random.default_rng(number)
        even.append(day(number).assign(user=random.integers(1, 300, ROWS), item=random.integers(1, 300, ROWS)))
    write(tmp_path, [*even[:7], swapped(even[7])])
    assert told(tmp_path) == [], "each id comes as often as any other one"


def test_users_who_rate_each_other_and_new_ids_are_not_swapped(tmp_path: Path) -> None:
    both = [day(number).assign(item=lambda f: f["item"].str.replace("i", "u")) for number in range(DAYS)]
    new = day(9).assign(user=lambda f: "new" + f["user"], item=lambda f: "new" + f["item"])
    write(tmp_path, [*both, new])
    assert told(tmp_path) == []
    # Few are rated, so that how often each is tells the columns apart.
    paths = write(tmp_path, [*both, new, swapped(both[0])])
    (text,) = told(tmp_path)
    assert text.startswith(f"1 of 7 files, {paths[6]}: by the first rows the ids of users come as often as")


@pytest.mark.parametrize(
    ("factor", "low", "high"), [(20, "20", "100"), (0.2, "0.2", "1"), (0.01, "0.01", "0.05"), (2, "2", "10")]
)
def test_a_file_with_values_on_another_scale(tmp_path: Path, factor: float, low: str, high: str) -> None:
    frames = [day(number) for number in range(DAYS)]
    frames[1] = frames[1].assign(value=lambda f: (f["value"] * factor).round(2))
    paths = write(tmp_path, frames)
    assert told(tmp_path) == [
        f"1 of 5 files, {paths[1]} ({low} to {high}): the values seem to be on another scale than those of the other "
        "files, where most files go from 1 to 5, by the first rows, so that `feedback.positive` means something else "
        "there. Bring them to one."
    ]


def test_a_file_of_the_smaller_scale_among_others(tmp_path: Path) -> None:
    frames = [day(number).assign(value=lambda f: f["value"] * 20) for number in range(DAYS - 1)]
    paths = write(tmp_path, [*frames, day(4)])
    (text,) = told(tmp_path)
    assert text.startswith(f"1 of 5 files, {paths[4]} (1 to 5): the values seem to be on another scale")


def test_of_two_scales_in_two_files_both_are_told(tmp_path: Path) -> None:
    paths = write(tmp_path, [day(0), day(1).assign(value=lambda f: f["value"] * 20)])
    (text,) = told(tmp_path)
    assert text.startswith(
        f"2 of 2 files, {paths[0]} (1 to 5), {paths[1]} (20 to 100): the values seem to be on another scale than those "
        "of the other files, by the first rows, so that"
    )


@pytest.mark.parametrize("kind", ["apart", "few", "long tail", "polarity"])
def test_what_is_no_other_scale(tmp_path: Path, kind: str) -> None:
    frames = [day(number) for number in range(DAYS)]
    settings: dict[str, Any] = {}
    if kind == "apart":  # likes in one file, dislikes in another
        frames = [frame.assign(value=number % 2) for number, frame in enumerate(frames)]
    elif kind == "few":
        frames[2] = day(2, rows=20).assign(value=80)
    elif kind == "long tail":  # seconds of play
        frames = [frame.assign(value=np.random.default_rng(n).pareto(1.0, ROWS) * 30) for n, frame in enumerate(frames)]
    else:
        frames = [frame.assign(polarity=["like", "dislike"] * (ROWS // 2)) for frame in frames]
        settings = {"positive": "column"}
    write(tmp_path, frames)
    assert told(tmp_path, **settings) == []


def test_of_many_files_the_newest_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlike_files, "_MOST_FILES", 4)
    paths = write(tmp_path, [*(day(number) for number in range(10)), swapped(day(10))])
    (text,) = told(tmp_path)
    assert text.startswith(f"1 of 4 files, {paths[10]}: ")


def test_it_is_a_warning_of_the_run_and_stops_nothing_that_cannot_be_read(tmp_path: Path) -> None:
    frames = [day(number) for number in range(DAYS)]
    paths = write(tmp_path, [*frames[:4], swapped(frames[4])])
    with open(paths[0], "a", encoding="utf-8") as file:
        file.write("u1,i1,no number,1700000000\n")
    config = FeedbackConfig(
        ["*.csv"], base=str(tmp_path), bad_rows="drop", min_item_users=1, min_user_items=1, positive=4, min_positives=0
    )
    warnings = generate(config, tmp_path / "out")["warnings"]
    assert [text for text in warnings if "swapped" in text and paths[4] in text]
