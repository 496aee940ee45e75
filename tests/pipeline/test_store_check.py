"""The process that asks stores for files; folders of this machine stand for stores."""

from pathlib import Path

import pytest

from pipeline.store_check import main, missing


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
