"""`pnfrec history`: the last runs as a table, a page and JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline import run_record
from pipeline.history.command import history
from pipeline.history.page import to_html
from pipeline.run_record import Ended
from tests.pipeline.test_run_record import RANDOM, outputs_of
from tests.pipeline.world import write_config

HEAD = "started           verdict           version  rows   items  warnings  drift  seconds"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A pipeline with four runs: pushed, refused by the gate, by its newest day, and one of another pipeline."""
    (tmp_path / "out" / "logs").mkdir(parents=True)
    pushed = {"pushed_destination": "/serving/9", "pushed_version": "9", "is_new": 1}
    outputs = outputs_of(tmp_path)
    first = run_record.make("tiny", Ended(run_record.PUSHED, 1e9, 70.0, outputs=outputs, pushed=pushed))
    failed = {**first["measures"][0], "value": 0.01, "interval": None, "verdict": "fail"}
    second = {**first, "verdict": "not_blessed", "version": "", "measures": [failed]}
    told = Ended(run_record.DRIFT, 1.0002e9, 5.0, "AnomalyGate", "The newest day <is> refused.\nIts rows.")
    for record in (first, second, run_record.make("tiny", told), run_record.make("other", told)):
        run_record.add(tmp_path / "out", record)
    return write_config(tmp_path)


def invoke(config: Path, *words: str) -> Result:
    return CliRunner().invoke(history, ["--config", str(config), *words])


def test_the_table_has_the_newest_first(config: Path) -> None:
    result = invoke(config)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        HEAD,
        "2001-09-11 09:20  refused_by_drift  -        -      -      0         0      5",
        "    The newest day <is> refused.",
        "2001-09-09 01:46  not_blessed       -        1,000  24     2         1      70",
        "    ndcg_p 0.0100 FAIL",
        "2001-09-09 01:46  pushed            9        1,000  24     2         1      70",
        "    ndcg_p 0.1000",
    ]
    assert len(invoke(config, "--last", "1").output.splitlines()) == 3


def test_what_was_shown_at_random_stands_below_and_has_a_figure(config: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    ended = Ended(run_record.PUSHED, 1.0003e9, 70.0, outputs=outputs_of(tmp_path / "more", RANDOM))
    run_record.add(tmp_path / "out", run_record.make("tiny", ended))
    result = invoke(config, "--last", "2", "--html", str(tmp_path / "page.html"))
    lines = invoke(config, "--last", "2").output.splitlines()
    assert lines[2:4] == ["    ndcg_p 0.1000", "    test_random, 1,200 + 34 targets: ndcg_p 0.1000"]
    assert result.exit_code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    own = page[page.index('aria-label="ndcg_p in test_random"') :].partition("</svg>")[0]
    assert [own.count(f'class="{name}"') for name in ("dot", "fail", "span", "bound")] == [1, 0, 1, 0]
    assert 'aria-label="ndcg_p"' in page


def test_json_is_the_records_as_they_are(config: Path, tmp_path: Path) -> None:
    result = invoke(config, "--json", "--last", "2")
    found: list[dict[str, Any]] = [json.loads(line) for line in result.output.splitlines()]
    assert found == run_record.read(tmp_path / "out")[1:3]


def test_the_page_shows_each_run_and_escapes_what_it_shows(config: Path, tmp_path: Path) -> None:
    result = invoke(config, "--html", str(tmp_path / "page.html"))
    assert result.output == f"3 runs: {tmp_path / 'page.html'}\n"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 runs from 2001-09-09 01:46 to 2001-09-11 09:20: 1 pushed a model or found it pushed, 2 did not." in page
    assert "The newest day &lt;is&gt; refused.\nIts rows." in page
    assert "ndcg_p 0.0100 (&gt;= 0.05, loss &lt;= 0.01)" in page
    ndcg = page[page.index('aria-label="ndcg_p"') :].partition("</svg>")[0]
    assert [ndcg.count(f'class="{name}"') for name in ("dot", "fail", "span", "bound")] == [1, 1, 1, 1]
    assert page.count("<tr><td class=") == 3
    assert f'href="file://{tmp_path}/report/report.html"' in page


def test_a_page_of_runs_that_never_came_to_the_gate() -> None:
    page = to_html("<x>", [run_record.make("<x>", Ended(run_record.FAILED, 1e9, 5.0, message="No."))])
    assert "Runs of &lt;x&gt;" in page
    assert "No run came as far as the gate." in page


def test_what_cannot_be_shown_is_told(config: Path, tmp_path: Path) -> None:
    result = invoke(config, "--set", "name=new")
    assert (result.exit_code, "There is no record of a run of new in" in result.output) == (1, True)
    result = invoke(config, "--html", str(tmp_path / "none" / "page.html"))
    assert (result.exit_code, "cannot be written (No such file" in result.output) == (1, True)
    assert invoke(config, "--set", "nam=new").exit_code == 2
