"""The last line of a run names what that run pushed."""

from pathlib import Path

import click
import pytest

from pipeline import summary
from pnfrec_core.events import ModelIsBad


def test_the_version_is_the_one_that_the_pusher_names() -> None:
    pushed = {"pushed": 1, "pushed_destination": "/serving/1795898744001", "pushed_version": "1795898744001"}
    assert summary._pushed({**pushed, "is_new": 1}) == "Pushed: /serving/1795898744001"
    assert summary._pushed({**pushed, "is_new": 0}) == "Nothing new to push: /serving/1795898744001 is this model"


def test_a_pusher_that_names_none_is_an_error() -> None:
    with pytest.raises(click.ClickException, match="did not say which version"):
        summary._pushed({})


def test_a_pinned_version_that_goes_on_serving_is_told() -> None:
    pushed = {"pushed_destination": "/serving/9", "pushed_version": "9", "is_new": 1}
    kept = "Pushed: /serving/9. Version 7 is pinned and goes on serving, until `pnfrec models unpin`"
    assert summary._pushed({**pushed, "pinned": 7}) == kept
    assert summary._pushed({**pushed, "pinned": 9}) == "Pushed: /serving/9"


def test_a_bad_model_is_told_and_counts_as_not_pushed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from components.gate.report import content

    for name, file in (("statistics", "summary.txt"), ("report", "report.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(f"{name}\n")
    report = content.Report(True, "BLESSED", (), True, 10, 1, 1, False, "", "", (), ())
    (tmp_path / "report" / "report.json").write_text(content.to_json(report))
    outputs = {
        "FeedbackGen": {"statistics": str(tmp_path / "statistics")},
        "GateReporter": {"report": str(tmp_path / "report")},
    }
    pushed = {"pushed_destination": "/serving/9", "pushed_version": "9", "is_new": 1}
    assert summary.show(outputs, pushed, seconds=7)
    refused = str(ModelIsBad("/serving", 8, "2026-11-29 by ann: why"))
    assert str(ModelIsBad("/my models", 8, "why")).endswith("unmark 8 --base '/my models'")
    assert not summary.show(outputs, {"pushed": 0, "refused": refused}, seconds=7)
    (told,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert told == (
        "NOT PUSHED: this model is version 8 of /serving, which was marked as bad (2026-11-29 by ann: why). Change "
        "what made it (data, settings, code), or take the mark back: pnfrec models unmark 8 --base /serving"
        "  (7 s in all)"
    )
