"""Input of several kinds of events: what they mean, what takes others back, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, EventConfig, FeedbackConfig, from_json, to_json
from components.feedback.reading.plan import make_plan
from components.feedback.run import generate
from components.feedback.writing.summary import format_summary
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local, support

pytestmark = pytest.mark.tensorflow

LIKES = EventConfig("likes", ["likes.parquet"], "like")
DISLIKES = EventConfig("dislikes", ["dislikes.parquet"], "dislike")
CUT: dict[str, Any] = {"split": "global_time", "split_time": 100}
UNDO = EventConfig("undislikes", ["undislikes.parquet"], cancels=["dislikes"])
Event = tuple[str, str, int]


def write(folder: Path, **events: list[Event]) -> None:
    for name, rows in events.items():
        users, items, times = zip(*rows, strict=True) if rows else ((), (), ())
        columns = {"user": pa.array(users, pa.string()), "item": pa.array(items, pa.string())}
        pq.write_table(pa.table({**columns, "timestamp": pa.array(times, pa.int64())}), folder / f"{name}.parquet")


def config(folder: Path, *events: EventConfig, **settings: Any) -> FeedbackConfig:
    rules = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "validation_targets": "both"}
    # Everything is for training, unless a test cuts.
    rules |= {"split": "none", "max_leaked_targets": 1.0, "positive": "column", "base": str(folder)}
    return FeedbackConfig(events=list(events or (LIKES, DISLIKES, UNDO)), **{**rules, **settings})


def histories(output: Path) -> dict[str, tuple[list[str], list[str]]]:
    train = support.all_examples(output)["train"]
    return {each["user_id"]: (each["positive_item_ids"], each["negative_item_ids"]) for each in train}


def targets(output: Path) -> list[tuple[str, str, int]]:
    examples = support.all_examples(output)
    found = [each for split in ("validation", "test") for each in examples[split]]
    return sorted((each["user_id"], each["target_item_id"], each["target_is_positive"]) for each in found)


def test_a_cancelled_event_leaves_no_trace(tmp_path: Path) -> None:
    write(
        tmp_path,
        likes=[("u", "a", 5), ("u", "b", 20), ("u", "z", 7), ("v", "x", 1)],
        # Twice disliked and taken back once, which takes back both; then disliked again.
        dislikes=[("u", "a", 1), ("u", "a", 2), ("u", "x", 3), ("u", "x", 30), ("v", "a", 4), ("v", "z", 8)],
        # Of another user, of another item, before the dislike: these have nothing to take back.
        undislikes=[("u", "a", 4), ("u", "x", 10), ("w", "a", 50), ("v", "b", 50), ("v", "z", 7)],
    )
    statistics = local.generate(config(tmp_path), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"u": (["a", "z", "b"], ["x"]), "v": (["x"], ["a", "z"])}
    dropped = {name: number for name, number in statistics["rows"]["dropped"].items() if number}
    assert dropped == {"takes_back": 5, "taken_back": 3}
    assert statistics["events"] == {
        "likes": {"rows": 4},
        "dislikes": {"rows": 6},
        "undislikes": {"rows": 5, "took_back": 3, "too_late_for_training": 0, "nothing_to_take_back": 3},
    }
    assert "Event 'undislikes': 5 rows take back 3, and 3 have nothing to take back" in format_summary(statistics)
    assert statistics["positive"]["rule"] == "events"


def test_of_events_at_one_time_the_first_in_the_settings_comes_first(tmp_path: Path) -> None:
    rows: dict[str, list[Event]] = {"likes": [("u", "a", 5)], "dislikes": [("u", "a", 5), ("u", "b", 5)]}
    write(tmp_path, **rows, undislikes=[("u", "a", 5)])
    local.generate(config(tmp_path), tmp_path / "last", 64)
    assert histories(tmp_path / "last") == {"u": (["a"], ["b"])}
    local.generate(config(tmp_path, LIKES, UNDO, DISLIKES), tmp_path / "before", 64)
    assert histories(tmp_path / "before") == {"u": (["a"], ["a", "b"])}
    (example,) = support.all_examples(tmp_path / "before")["train"]
    assert example["history_is_positive"] == [1, 0, 0]
    local.generate(config(tmp_path, DISLIKES, LIKES), tmp_path / "first", 64)
    (example,) = support.all_examples(tmp_path / "first")["train"]
    assert example["history_is_positive"] == [0, 0, 1]


@pytest.mark.parametrize(
    "settings",
    [
        CUT,
        {**CUT, "split_time": "1970-01-01T00:01:40"},
        {**CUT, "split_time": None, "test_quantile": 0.7},
        {"split": "leave_one_out"},
    ],
    ids=lambda settings: f"{settings['split']} {settings.get('split_time')}",
)
def test_what_comes_later_takes_nothing_from_training(tmp_path: Path, settings: dict[str, Any]) -> None:
    write(
        tmp_path,
        likes=[
            ("u", "a", 1),
            ("u", "b", 2),
            ("u", "c", 101),
            ("u", "b", 130),
            ("v", "x", 3),
            ("v", "y", 4),
            ("v", "d", 5),
        ],
        dislikes=[("u", "x", 10), ("u", "y", 11), ("u", "d", 102), ("u", "a", 120)],
        undislikes=[("u", "x", 12), ("u", "y", 103), ("u", "d", 104)],
    )
    statistics = local.generate(config(tmp_path, **settings), tmp_path / "out", 64)
    trained = histories(tmp_path / "out")["u"]
    if settings["split"] == "leave_one_out":
        # Here a and b at 120 and 130 are held out, and training knows what comes before.
        assert trained == (["a", "b", "c"], [])
        late = 0
    else:
        assert trained == (["a", "b"], ["y"]), "y is taken back too late for training, x in time"
        late = 1
    assert targets(tmp_path / "out")[-1] == ("u", "b", 1)
    assert statistics["events"]["undislikes"] == {
        "rows": 3,
        "took_back": 3 - late,
        "too_late_for_training": late,
        "nothing_to_take_back": 0,
    }


def test_the_gap_is_unknown_to_training(tmp_path: Path) -> None:
    write(
        tmp_path,
        likes=[("u", "a", 1), ("u", "c", 101), ("v", "x", 3)],
        dislikes=[("u", "x", 10)],
        undislikes=[("u", "x", 95)],
    )
    local.generate(config(tmp_path, gap=10, **CUT), tmp_path / "out", 64)
    assert histories(tmp_path / "out")["u"] == (["a"], ["x"])
    local.generate(config(tmp_path, gap=4, **CUT), tmp_path / "known", 64)
    assert histories(tmp_path / "known")["u"] == (["a"], [])


def test_nothing_held_out_knows_everything(tmp_path: Path) -> None:
    write(tmp_path, likes=[("u", "a", 1)], dislikes=[("u", "x", 10)], undislikes=[("u", "x", 500)])
    local.generate(config(tmp_path), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"u": (["a"], [])}


@pytest.mark.parametrize(("duplicates", "expected"), [("first", (["b"], ["a"])), ("last", (["b", "a"], []))])
@pytest.mark.parametrize("split", ["fixed", "quantile"])
def test_repeats_are_judged_by_what_is_left(
    tmp_path: Path, split: str, duplicates: str, expected: tuple[list[str], list[str]]
) -> None:
    write(
        tmp_path,
        # a: disliked (taken back only after the cut), then liked; b: disliked, taken back in time, then liked.
        likes=[("u", "b", 5), ("u", "a", 20), ("v", "a", 1), ("v", "b", 2), ("v", "b", 100)],
        dislikes=[("u", "a", 1), ("u", "b", 2)],
        undislikes=[("u", "b", 3), ("u", "a", 110)],
    )
    cut = {"split_time": None, "test_quantile": 0.99} if split == "quantile" else {}
    cut = {**CUT, **cut}
    local.generate(config(tmp_path, duplicates=duplicates, **cut), tmp_path / "out", 64)
    assert histories(tmp_path / "out")["u"] == expected


def test_what_is_taken_back_counts_in_no_filter(tmp_path: Path) -> None:
    write(
        tmp_path,
        likes=[("u", "a", 1), ("v", "a", 1)],
        dislikes=[("u", "b", 2), ("v", "b", 2)],
        undislikes=[("v", "b", 3)],
    )
    statistics = local.generate(config(tmp_path, min_item_users=2), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"u": (["a"], []), "v": (["a"], [])}
    assert statistics["rows"]["dropped"]["rare_item"] == 1


def test_the_beam_pipeline_is_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(3)

    def some(count: int) -> list[Event]:
        found = zip(*(random.integers(0, most, count).tolist() for most in (30, 12, 150)), strict=True)
        return [(f"u{user}", f"i{item}", time) for user, item, time in found]

    write(tmp_path, likes=some(400), dislikes=some(200), undislikes=some(200))
    cuts: dict[str, dict[str, Any]] = {"fixed": CUT, "quantile": {"split": "global_time"}}
    for name, cut in cuts.items():
        settings = config(tmp_path, shards=3, duplicates="last", **cut)
        beam = generate(settings, tmp_path / name)
        alone = local.generate(settings, tmp_path / f"{name}_alone", 64)
        assert beam["events"] == alone["events"]
        assert beam["events"]["undislikes"]["took_back"] > 20
        assert beam["rows"] == alone["rows"]
        assert support.all_examples(tmp_path / name) == support.all_examples(tmp_path / f"{name}_alone")


def test_a_column_with_bounds(tmp_path: Path) -> None:
    write(tmp_path, likes=[("u", "a", 1)])
    plays = "uid,track,when,ratio\nu,b,2,90\nu,c,3,50\nu,d,4,19.5\nv,b,5,20\n"
    (tmp_path / "plays.csv").write_text(plays)
    columns = ColumnsConfig(user="uid", item="track", timestamp="when")
    listens = EventConfig("listens", ["plays.csv"], column="ratio", like_from=90.0, dislike_below=20.0, columns=columns)
    statistics = local.generate(config(tmp_path, LIKES, listens), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"u": (["a", "b"], ["d"])}
    assert statistics["rows"]["dropped"]["no_opinion"] == 2
    words = "user,item,timestamp,said\nu,b,2,positive\nu,c,3,n\n"
    (tmp_path / "words.csv").write_text(words)
    said = EventConfig("said", ["words.csv"], column="said")
    local.generate(config(tmp_path, LIKES, said), tmp_path / "words", 64)
    assert histories(tmp_path / "words") == {"u": (["a", "b"], ["c"])}
    (tmp_path / "words.csv").write_text(words.replace("positive", "perhaps"))
    with pytest.raises(FeedbackError, match=r"words.csv, line 2, column 'said': expected like or dislike"):
        local.generate(config(tmp_path, LIKES, said), tmp_path / "bad", 64)


def test_an_event_that_takes_nothing_back_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, likes=[("u", "a", 1)], dislikes=[("u", "b", 2)], undislikes=[("u", "b", 1), ("u", "a", 3)])
    statistics = local.generate(config(tmp_path), tmp_path / "out", 64)
    assert any(
        warning.startswith("None of the 2 rows of the event 'undislikes' takes anything back")
        for warning in statistics["warnings"]
    )


def test_an_event_without_rows_and_a_file_of_two_events(tmp_path: Path) -> None:
    write(tmp_path, likes=[("u", "a", 1)], dislikes=[], undislikes=[("u", "b", 1)])
    with pytest.raises(FeedbackError, match=r"`feedback.events`, 'dislikes': no file has a data row: .*dislikes.parq"):
        make_plan(config(tmp_path))
    both = EventConfig("both", ["*.parquet"], "dislike")
    message = r"`feedback.events`: .*likes.parquet belongs to 'likes' and to 'both'\. A row means one thing"
    with pytest.raises(FeedbackError, match=message):
        make_plan(config(tmp_path, LIKES, both))
    with pytest.raises(FeedbackError, match=r"`feedback.events`: there is no file .*none.parquet"):
        make_plan(config(tmp_path, LIKES, EventConfig("none", ["none.parquet"], "dislike")))


@pytest.mark.parametrize(
    ("events", "settings", "message"),
    [
        ([LIKES], {"files": ["a"]}, "`feedback.files` and `feedback.events` both name the input. Set one of the two."),
        (
            [LIKES],
            {"positive": "median"},
            "`feedback.events` say what is liked, and `feedback.positive: median` compares values. Set "
            "`feedback.positive: column`.",
        ),
        ([LIKES, LIKES], {}, "`feedback.events`: two events are named 'likes'. Give each a name of its own."),
        ([UNDO], {}, "`feedback.events` only take back: add one with `polarity` or `column`."),
        (
            [LIKES, UNDO],
            {},
            "`feedback.events`, 'undislikes': `cancels` names 'dislikes', which is none of the events. Known are "
            "'likes'.",
        ),
        (
            [LIKES, EventConfig("undo", ["a"], cancels=["undo"])],
            {},
            "`feedback.events`, 'undo': `cancels` names 'undo', which takes back itself. Known are 'likes'.",
        ),
    ],
)
def test_events_that_do_not_go_together(events: list[EventConfig], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        FeedbackConfig(**{"events": events, "positive": "column", **settings})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "to say what a row is. Received: none of them."),
        ({"polarity": "like", "cancels": ["x"]}, "Received: `polarity` and `cancels`."),
        ({"polarity": "like", "like_from": 1.0}, "compare values of `column`. Set it, or leave them out."),
        ({"column": "v", "like_from": 1.0, "dislike_below": 2.0}, "`dislike_below` (2) is above `like_from` (1)"),
        ({"polarity": "like", "files": []}, "`files` is empty. Name at least one file, folder or glob."),
        ({"polarity": "like", "name": " "}, "an event has an empty `name`. Name it, such as 'likes'."),
    ],
)
def test_an_event_that_makes_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        EventConfig(**{"name": "e", "files": ["a"], **settings})
    assert message in str(caught.value)


def test_events_survive_json_in_their_order(tmp_path: Path) -> None:
    own = EventConfig("z", ["p"], column="c", like_from=1.0, columns=ColumnsConfig(user="uid"))
    found = config(tmp_path, own, LIKES, DISLIKES, UNDO)
    assert from_json(to_json(found)) == found
