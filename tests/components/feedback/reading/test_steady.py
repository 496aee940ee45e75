"""Files that change while they are read: nothing is made of half a file, or of two halves."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.feedback import run as feedback_run
from components.feedback.config import FeedbackConfig, TitlesConfig
from components.feedback.reading.inventory import inventory, is_current
from components.feedback.reading.steady import SteadyInput
from components.feedback.run import generate
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import support
from tests.components.feedback.made_up import some_rows


@pytest.fixture
def config(tmp_path: Path) -> FeedbackConfig:
    base = tmp_path / "in"
    base.mkdir()
    support.write_parquet(base / "a.parquet", some_rows(200, 1))
    support.write_parquet(base / "b.parquet", some_rows(200, 2))
    (base / "link.parquet").symlink_to("b.parquet")
    (base / "titles.csv").write_text("item,title\ni1,One\n")
    titles = TitlesConfig("titles*.csv")
    return FeedbackConfig(files=["a.parquet", "link.parquet"], base=str(base), titles=titles, min_item_users=1)


def grow(base: Path) -> None:
    with (base / "a.parquet").open("ab") as file:
        file.write(b"more")


def replace(base: Path) -> None:
    """By another one of the same size and time, as `rsync --times` does."""
    state, content = (base / "a.parquet").stat(), (base / "a.parquet").read_bytes()
    (base / "new").write_bytes(content)
    os.utime(base / "new", ns=(state.st_atime_ns, state.st_mtime_ns))
    (base / "new").rename(base / "a.parquet")


def move_link(base: Path) -> None:
    (base / "link.parquet").unlink()
    (base / "link.parquet").symlink_to("a.parquet")


def remove(base: Path) -> None:
    (base / "link.parquet").unlink()


def change_titles(base: Path) -> None:
    (base / "titles.csv").write_text("item,title\ni1,Other\n")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (grow, "a.parquet: the file has changed while it was read"),
        (replace, "a.parquet: the file has changed"),
        (move_link, "link.parquet: the file has changed"),
        (remove, "link.parquet: the file is gone since"),
        (change_titles, "titles.csv: the file has changed"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_named(
    config: FeedbackConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    named: str,
) -> None:
    class Meanwhile(SteadyInput):
        def check(self) -> None:
            change(Path(config.base))
            super().check()

    monkeypatch.setattr(feedback_run, "SteadyInput", Meanwhile)
    with pytest.raises(FeedbackError, match=f"{named}.*renamed when they are complete"):
        generate(config, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_changes_nothing_that_is_read_is_no_change(
    config: FeedbackConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meanwhile(SteadyInput):
        def check(self) -> None:
            # As a backup makes one.
            (Path(config.base) / "backup").hardlink_to(Path(config.base) / "a.parquet")
            (Path(config.base) / "a.parquet").chmod(0o600)
            super().check()

    monkeypatch.setattr(feedback_run, "SteadyInput", Meanwhile)
    assert generate(config, tmp_path / "out")["rows"]["read"]


def test_titles_named_by_a_glob_are_part_of_what_is_read(config: FeedbackConfig) -> None:
    before = inventory(config)
    assert is_current(config, before)
    assert is_current(config, "")
    change_titles(Path(config.base))
    assert not is_current(config, before)
