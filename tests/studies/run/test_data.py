"""Prepared data that two studies need at once."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load_config
from studies.run.data import prepared
from tests.studies.commands.world import write_world


def test_the_second_study_waits_and_takes_what_the_first_has_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import components.feedback.run as feedback

    config = load_config(write_world(tmp_path) / "config.yaml", [])
    config = dataclasses.replace(config, feedback=dataclasses.replace(config.feedback, base=str(tmp_path)))
    begun, may_end, made = threading.Event(), threading.Event(), list[Path]()

    def generate(_: Any, target: Path, *__: Any) -> None:
        made.append(target)
        begun.set()
        assert may_end.wait(60)
        target.mkdir()

    monkeypatch.setattr(feedback, "generate", generate)
    found: list[Path] = []
    studies = [threading.Thread(target=lambda: found.append(prepared(config, tmp_path / "data"))) for _ in range(2)]
    studies[0].start()
    assert begun.wait(60)
    studies[1].start()
    studies[1].join(timeout=0.3)
    assert studies[1].is_alive(), "it waits"
    may_end.set()
    for study in studies:
        study.join(timeout=60)
    assert len(made) == 1
    assert found == made * 2
