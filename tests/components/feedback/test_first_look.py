"""What `pnfrec check` tells by the first rows of what a run would refuse or warn of."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.feedback.config import EventConfig, FeedbackConfig, TitlesConfig
from components.feedback.reading.plan import make_plan
from components.feedback.run import generate
from pipeline.first_rows import FirstRows, look_at
from pnfrec_core.errors import FeedbackError

DAYS, ROWS, BEGIN = 6, 120, 1_704_067_200
Change = Callable[[pd.DataFrame], pd.DataFrame]
RULES: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "max_leaked_targets": 1.0}


def write(folder: Path, change: Change = lambda frame: frame, places: tuple[int, ...] = (4,)) -> None:
    """A file a day, some of them changed."""
    for number in range(DAYS):
        random = np.random.default_rng(number)
        frame = pd.DataFrame(
            {
                "user": [f"u{user}" for user in random.integers(0, 200, ROWS)],
                "item": [f"i{item}" for item in random.integers(0, 30, ROWS)],
                "value": random.integers(1, 6, ROWS),
                "timestamp": BEGIN + 86_400 * number + np.sort(random.choice(86_400, ROWS, replace=False)),
            }
        )
        name = f"{datetime.date(2024, 1, 1) + datetime.timedelta(number)}.csv"
        (change(frame) if number in places else frame).to_csv(folder / name, index=False)


def look(folder: Path, **settings: Any) -> tuple[FirstRows, FeedbackConfig]:
    rules = {"files": ["2024*.csv"], "positive": 4.0, "base": str(folder), **RULES, **settings}
    config = FeedbackConfig(**rules)
    return look_at(make_plan(config), seconds=60.0), config


def run(config: FeedbackConfig, folder: Path) -> list[str]:
    """What a run warns of, or the error that stops it."""
    try:
        warnings: list[str] = generate(config, folder.with_name(f"{folder.name}-out"))["warnings"]
    except FeedbackError as error:
        return [str(error)]
    return warnings


def test_nothing_is_told_of_what_is_fine(tmp_path: Path) -> None:
    write(tmp_path)
    assert look(tmp_path)[0].notes == ()
    assert look(tmp_path, files=["{YYYY}-{MM}-{DD}.csv"])[0].notes == ()


ALL = tuple(range(DAYS))
CASES: dict[str, tuple[Change, tuple[int, ...], dict[str, Any], str]] = {
    "copy": (lambda f: f, (), {"files": ["2024*.csv", "z.csv"]}, "1 of the files is a copy of another one"),
    "swapped": (
        lambda f: f.rename(columns={"user": "item", "item": "user"}),
        (4,),
        {},
        "the users there are items of the other files",
    ),
    "scale": (lambda f: f.assign(value=20 * f["value"]), (4,), {}, "the values seem to be on another scale"),
    "another day": (
        lambda f: f.assign(timestamp=f["timestamp"] - 3 * 86_400),
        (4,),
        {"files": ["{YYYY}-{MM}-{DD}.csv"]},
        "of 6 files the rows of 1 are of another day than their names say",
    ),
    "future": (lambda f: f.assign(timestamp=f["timestamp"] + 10**9), ALL, {}, "are from after tomorrow"),
    "hours": (lambda f: f.assign(timestamp=f["timestamp"] // 3600), ALL, {}, "are from before 1990"),
    "zones": (
        lambda f: f.assign(timestamp=pd.to_datetime(f["timestamp"], unit="s").astype(str) + "+00:00"),
        (),
        {},
        "dates name their zone and",
    ),
    "repeats": (lambda f: pd.concat([f, f]), ALL, {}, "rows repeat another one exactly"),
    "ids": (lambda f: f.assign(user=f["user"].str.upper()), (4,), {}, "users have an id that differs from another one"),
    "no ids": (lambda f: f.assign(user="nan"), (4,), {}, "rows have a word for no value as the id of their user"),
    "dropped": (lambda f: f.assign(value="x"), (4,), {"bad_rows": "drop"}, "rows cannot be used and were dropped"),
    "all dropped": (lambda f: f.assign(value="x"), ALL, {"bad_rows": "drop"}, "720 of 720 rows cannot be used"),
    "titles": (lambda f: f, (), {"titles": TitlesConfig(file="z.csv", title="value")}, "items have a title"),
    "random": (
        lambda f: f,
        (),
        {"random_files": ["r.csv"], "split_time": "2024-01-03"},
        "rows of `feedback.random_files` have the user, the item and the time",
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_what_a_run_warns_of_is_told_before(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    change, places, settings, told = CASES[name]
    write(folder, change, places)
    (folder / "z.csv").write_bytes((folder / "2024-01-02.csv").read_bytes())
    if name == "titles":
        (folder / "z.csv").write_text("item,value\nx1,A\n")
    if name == "zones":
        write(folder, lambda f: f.assign(timestamp=pd.to_datetime(f["timestamp"], unit="s").astype(str)), ALL[1:])
        frame = pd.read_csv(folder / "2024-01-01.csv")
        change(frame).to_csv(folder / "2024-01-01.csv", index=False)
    pd.read_csv(folder / "2024-01-05.csv").sample(frac=1, random_state=0).to_csv(folder / "r.csv", index=False)
    found, config = look(folder, **settings)
    assert [text for text in found.notes if told in text], found
    assert found.problems == ()
    expected = "No row can be used" if name == "all dropped" else told
    assert [text for text in run(config, folder) if expected in text], "a run tells it, too"


def test_what_stops_a_run_is_told_before(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder, lambda f: f.assign(timestamp=1000 * f["timestamp"]))
    found, config = look(folder)
    assert found.problems == (
        f"The timestamps have several units: in seconds in {folder}/2024-01-01.csv, in milliseconds in "
        f"{folder}/2024-01-05.csv. Bring them to one, else rows cannot be put in order; correct the rows if they are a "
        "mistake.",
    )
    assert found.rows == ()
    assert run(config, folder)[0].startswith("The timestamps have several units: ")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"split_time": "2030-01-01"},
            "2030-01-01 (2030-01-01 00:00:00 UTC) does not lie between the first",
        ),
        ({"positive": 9.0}, "By the first 720 rows: None is positive (value >= 9). Look at `feedback.positive`."),
        ({"positive": 0.0}, "By the first 720 rows: All are positive (value >= 0). Look at `feedback.positive`."),
    ],
)
def test_what_would_stop_a_run_if_all_rows_are_alike(tmp_path: Path, settings: dict[str, Any], told: str) -> None:
    write(tmp_path)
    (text,) = look(tmp_path, **settings)[0].notes
    assert told in text


def test_events(tmp_path: Path) -> None:
    write(tmp_path, lambda f: f.assign(kind="Like"))
    events = [
        EventConfig("likes", ["2024-01-05.csv"], "like", where={"kind": "like"}),
        EventConfig("dislikes", ["2024-01-02.csv"], "dislike"),
        EventConfig("undislikes", ["z.csv"], cancels=["dislikes"]),
        EventConfig("plays", ["2024-01-03.csv"], column="value", like_from=95, dislike_below=10),
    ]
    pd.read_csv(tmp_path / "2024-01-02.csv").sample(frac=1, random_state=0).to_csv(tmp_path / "z.csv", index=False)
    notes = look(tmp_path, files=[], events=events, positive="column")[0].notes
    for told in (
        "`feedback.events`, 'likes': in no row is the column 'kind' 'like'. What no event names is 'Like' (120). ",
        "Rows of 'Like' are of a kind that no event names, and would be left out.",
        "120 of 120 rows of the event 'dislikes' have the user, the item and the time of a row of 'undislikes'",
        "1 of 1 events whose column says both like and dislike say one of them only: 'plays', 120 dislikes",
        "None is positive (what the events say). Look at the rules of `feedback.events`.",
    ):
        assert any(told in text for text in notes), (told, notes)
    assert not any("nothing to take back" in text for text in notes), "that lies farther on, perhaps"
