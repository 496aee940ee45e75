"""Files that are copies of one another are told, whatever share of all rows they have."""

from pathlib import Path

from components.feedback.config import FeedbackConfig
from components.feedback.reading.copies import copies
from components.feedback.run import generate
from components.feedback.spans.config import SpansConfig
from tests.components.feedback.made_up import some_rows
from tests.components.feedback.support import write_csv


def test_a_day_that_is_a_copy_of_another_one_is_told(tmp_path: Path) -> None:
    for day in range(1, 5):
        write_csv(tmp_path / f"2024-01-0{day}.csv", some_rows(200 if day < 4 else 3, seed=day))
    config = FeedbackConfig(
        ["{YYYY}-{MM}-{DD}.csv"], base=str(tmp_path), spans=SpansConfig(0), min_item_users=1, min_user_items=1
    )
    assert not [text for text in generate(config, tmp_path / "before")["warnings"] if "copy" in text]
    # Too few rows of all for the share of rows that repeat another one.
    (tmp_path / "2024-01-05.csv").write_bytes((tmp_path / "2024-01-04.csv").read_bytes())
    (told,) = (text for text in generate(config, tmp_path / "after")["warnings"] if "copy" in text)
    assert told == (
        "1 of the files is a copy of another one, byte by byte, so that its rows count twice: "
        f"{tmp_path}/2024-01-04.csv and {tmp_path}/2024-01-05.csv. Perhaps a day was delivered again under the next "
        "one's name: take the copy out, or put the right file in its place."
    )


def test_files_of_one_size_are_no_copies_and_a_file_of_two_events_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").write_text("b")
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv", "a.csv")]
    assert list(copies([*paths, "s3://bucket/a.csv"])) == []
    for name in ("b", "c", "d"):
        (tmp_path / f"{name}.csv").write_text("a")
    (told,) = copies(str(tmp_path / f"{name}.csv") for name in "abcd")
    assert told.startswith("3 of the files are copies of another one")
