"""Which files a run reads: their order, and the window of spans over all events."""

from pathlib import Path

import pytest

from components.feedback.config import EventConfig, FeedbackConfig
from components.feedback.reading.input_files import expand_files, find_input
from components.feedback.reading.plan import make_plan
from components.feedback.spans.config import SpansConfig
from pnfrec_core.errors import FeedbackError

HEADER = "user,item,value,timestamp,polarity\n"
ROW = "u,i,1,2,1\n"


def test_files_are_sorted_by_path_each_once(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "deep/er/c.csv", "[1].csv"):
        (tmp_path / name).write_text(HEADER + ROW)
    config = FeedbackConfig(
        files=["b.csv", "*.csv", "**/c.csv", str(tmp_path / "a.csv"), "[1].csv"], base=str(tmp_path)
    )
    expected = [str(tmp_path / name) for name in ("[1].csv", "a.csv", "b.csv", "deep/er/c.csv")]
    assert expand_files(config) == expected


def write_events(folder: Path, **days: list[int]) -> None:
    for name, numbers in days.items():
        for number in numbers:
            (folder / f"{name}-{number}.csv").write_text(HEADER + ROW)


def events_of(folder: Path, newest: int) -> FeedbackConfig:
    likes = EventConfig("likes", ["likes-{SPAN}.csv"], "like")
    dislikes = EventConfig("dislikes", ["dislikes-{SPAN}.csv"], "dislike")
    return FeedbackConfig(
        events=[likes, dislikes],
        random_files=["random-{SPAN}.csv"],
        positive="column",
        base=str(folder),
        spans=SpansConfig(newest),
    )


def test_the_window_is_the_same_for_all_events(tmp_path: Path) -> None:
    write_events(tmp_path, likes=[1, 2, 10], dislikes=[2, 9, 10], random=[1, 9])
    found = find_input(events_of(tmp_path, 2))
    assert [Path(path).name for path in found.files] == ["likes-10.csv", "dislikes-9.csv", "dislikes-10.csv"]
    assert found.events == [0, 1, 1]
    assert [Path(path).name for path in found.at_random] == ["random-9.csv"]
    assert found.spans is not None
    assert found.spans.read == [9, 10]


def test_an_event_without_a_file_in_the_window_is_named(tmp_path: Path) -> None:
    write_events(tmp_path, likes=[1, 2, 3], dislikes=[1], random=[3])
    plan = make_plan(events_of(tmp_path, 2))
    assert [Path(piece.source.path).name for piece in plan.pieces] == ["likes-2.csv", "likes-3.csv", "random-3.csv"]
    assert plan.warnings == ("`feedback.events`, 'dislikes': none of the spans that are read has a file of it.",)


def test_an_error_names_the_key_of_its_pattern(tmp_path: Path) -> None:
    write_events(tmp_path, likes=[1], random=[1])
    with pytest.raises(FeedbackError, match=r"^`feedback.events`: no file is found for 'dislikes-\{SPAN\}.csv'"):
        find_input(events_of(tmp_path, 2))
