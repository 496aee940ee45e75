"""The process that asks stores for files; folders of this machine stand for stores."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import EventConfig, FeedbackConfig
from components.feedback.spans.config import SpansConfig
from pipeline.first_rows import FirstRows, Row
from pipeline.store_check import answer, main, missing, question

HEADER = "user,item,value,timestamp\n"


@pytest.fixture(autouse=True)
def _no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def ask(
    folder: Path,
    *files: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: FeedbackConfig | None = None,
) -> str:
    config = config or FeedbackConfig(files=list(files), base=str(folder))
    monkeypatch.setattr(sys, "stdin", io.StringIO(question(config)))
    main([str(folder / file) for file in files])
    return capsys.readouterr().out


def test_the_first_rows_of_the_first_file_that_has_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv").write_text(HEADER + "u,i,8,1365029107\n")
    (tmp_path / "c.csv").write_text("not looked at")
    said = ask(tmp_path, "*.csv", monkeypatch=monkeypatch, capsys=capsys)
    assert answer(said) == FirstRows((Row("u", "i", "8", "by the median", "2013-04-03 22:45:07 UTC"),))


def test_rows_of_the_window_of_spans_and_of_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, item in (("undo-1", "x"), ("day-1", "old"), ("day-2", "i")):
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}u,{item},8,1365029107\n")
    spans: dict[str, Any] = {"base": str(tmp_path), "spans": SpansConfig(1)}
    plain = FeedbackConfig(files=["day-{SPAN}.csv"], **spans)
    of_events = FeedbackConfig(
        events=[
            EventConfig("undo", ["undo-1.csv"], cancels=["disliked"]),
            EventConfig("disliked", ["day-{SPAN}.csv"], "dislike"),
        ],
        positive="column",
        **spans,
    )
    when = "2013-04-03 22:45:07 UTC"
    for config, row in (
        (plain, Row("u", "i", "8", "by the median", when)),
        (of_events, Row("u", "i", "0", "negative", when, "disliked")),
    ):
        said = ask(tmp_path, monkeypatch=monkeypatch, capsys=capsys, config=config)
        assert answer(said) == FirstRows((row,))


def test_a_file_that_cannot_be_understood_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("who,item\n1,2\n")
    seen = answer(ask(tmp_path, "a.csv", monkeypatch=monkeypatch, capsys=capsys))
    assert seen is not None
    assert seen.problems[0].startswith(f"{tmp_path}/a.csv: no column 'user'")
    (tmp_path / "a.csv").write_text(HEADER + "u,i,x,0\n")
    seen = answer(ask(tmp_path, "a.csv", monkeypatch=monkeypatch, capsys=capsys))
    assert seen is not None
    assert seen.problems[0].startswith(f"{tmp_path}/a.csv, line 2, column 'value'")


def test_what_is_not_there_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ask(tmp_path, "a.csv", monkeypatch=monkeypatch, capsys=capsys)
    assert said == f"{tmp_path}/a.csv\tthere is no such file.\n"
    assert answer(said) is None


def test_what_is_not_there_is_told_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").touch()
    paths = [str(tmp_path / name) for name in ("a.csv", "*.csv", "b.csv", "*.parquet")]
    main(paths)
    assert capsys.readouterr().out == "".join(f"{path}\tthere is no such file.\n" for path in paths[2:])


def test_a_store_that_refuses_is_quoted_in_a_line() -> None:
    ((path, reason),) = missing(["unknown://bucket/x.csv"])
    assert path == "unknown://bucket/x.csv"
    assert "unknown" in reason
    assert reason.endswith(".")
    assert "\n" not in reason
