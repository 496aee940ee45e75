"""What `pnfrec experiment` writes once its trials are done, on results that are made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load_config
from pnfrec_core.measures import MEASURES
from studies import outputs
from studies.commands.experiment import _show
from studies.results.stored import load
from studies.results.summary import read
from studies.run import data, lengths
from studies.run.runner import Ran
from studies.study import load_study, trials

CONFIG = Path(__file__).parents[3] / "configs" / "movietweetings.yaml"
STUDY = """
name: shown
question: Which list is better?
reference: popular
arms:
  - {name: popular, baseline: most_popular}
  - {name: recent, baseline: most_popular_recent}
  - {name: again, baseline: most_popular_recent}
set: {training.k: 20}
"""


def write_trial(folder: Path, arm: str, rank: int) -> None:
    """A trial with six users, three of whose targets are liked, all of the same rank."""
    folder.mkdir(parents=True)
    measured = {f"{measure}_{group}": 1.0 for measure in MEASURES for group in ("p", "n", "delta")}
    result: dict[str, object] = {
        "arm": arm,
        "seed": None,
        "model": {},
        "training": {},
        "items": 9,
        "seconds": 1.0,
        "peak_gib": 0.5,
    }
    result |= {split: {**measured, "coverage": 0.5} for split in ("validation", "test")}
    (folder / outputs.TRIAL_RESULT).write_text(json.dumps(result), encoding="utf-8")
    ranks = {
        "rank": np.full(6, rank),
        "is_positive": np.array([1, 1, 1, 0, 0, 0]),
        "user": np.array([f"u{number}" for number in range(6)]),
        "place": np.zeros(6, np.int64),
        "item": np.array(["i"] * 6),
    }
    both = {f"{split}_{name}": values for split in ("validation", "test") for name, values in ranks.items()}
    np.savez(folder / outputs.TRIAL_RANKS, **both)  # type: ignore[arg-type]


def test_a_finished_study_leaves_every_file_of_its_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shown.yaml").write_text(STUDY, encoding="utf-8")
    statistics = {"training_rows": 20, "users": {"training": 6}, "rows": {"kept": {"train": {"positive": 9}}}}
    prepared = tmp_path / "data" / "prepared"
    (prepared / "statistics").mkdir(parents=True)
    (prepared / "statistics" / "statistics.json").write_text(json.dumps(statistics), encoding="utf-8")
    monkeypatch.setattr(data, "prepared", lambda config, folder: prepared)  # noqa: ARG005
    table = pd.DataFrame([("positive", 3, 6)], columns=["polarity", "length", "users"])
    monkeypatch.setattr(lengths, "read_lengths", lambda folder: table)  # noqa: ARG005
    study = load_study(str(tmp_path / "shown.yaml"))
    planned = trials(study, CONFIG, [])
    folder = tmp_path / "shown"
    folders = [folder / "trials" / trial.key for trial in planned]
    for trial, rank, own in zip(planned, (1, 12, 12), folders, strict=True):
        write_trial(own, trial.arm.name, rank)

    _show(Ran(folders), planned, study, folder, load_config(CONFIG))

    written = {path.name for path in folder.iterdir() if path.is_file()}
    assert written == {
        *(outputs.SUMMARY, outputs.RANKS, outputs.RESULTS, outputs.EPOCHS),
        *(outputs.LENGTHS, outputs.TABLE, outputs.PAGE),
    }
    assert [arm.name for arm in read(folder / outputs.SUMMARY).arms] == ["popular", "recent", "again"]
    assert load(folder / outputs.RANKS).arms() == ["popular", "recent", "again"]
    summed = read(folder / outputs.SUMMARY)
    assert (summed.k, summed.arms[1].mean["hr_p"]) == (20, 1.0), "of the study, whatever the configuration has"
    printed = capsys.readouterr().out
    assert "recent and again are the same: what they set apart" in printed
    assert f"results: {folder / outputs.RESULTS}\npage:    {folder / outputs.PAGE}\n" in printed
