"""Who answers while versions load, and while the marks and the versions beside them cannot both be read."""

from pathlib import Path
from typing import Any

import pytest

from pnfrec_core import marking, model_marks
from serving.versions import VersionWatcher
from tests.serving.test_marks_obeyed import answer, base, refusal
from tests.serving.test_versions import Loader, StandIn, loader, states

__all__ = ["base", "loader"]


def test_a_label_moves_once_its_version_is_loaded(base: Path) -> None:
    """Whoever asks for it while that takes its time gets the version that it named before."""
    asked: list[VersionWatcher] = []
    seen: list[Any] = []

    class Asked(Loader):
        def __call__(self, path: Path, version: int) -> StandIn:
            for each in asked:
                seen.append((version, answer(each, None, "stable"), each.version_of("stable")))
                seen.append(refusal(each, None, "gone")[0])
            return super().__call__(path, version)

    watcher = VersionWatcher(base, Asked())
    for label in ("stable", "gone"):
        marking.label(base, label, 1)
    watcher.poll()
    asked.append(watcher)
    marking.label(base, "stable", 2)
    marking.unlabel(base, "gone")
    marking.label(base, "new", 3)
    watcher.poll()
    assert seen == [(2, 1, 1), "INVALID_ARGUMENT"]
    assert [answer(watcher, None, label) for label in ("stable", "new")] == [2, 3]
    assert states(watcher) == [(3, "AVAILABLE"), (2, "AVAILABLE"), (1, "END")]


def test_a_disk_that_goes_while_it_is_looked_at_takes_no_pin_and_no_label_with_it(
    base: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    marking.pin(base, 1)
    marking.label(base, "canary", 3)
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    read, away = model_marks.read, base.with_name("away")

    def read_too_late(folder: Path) -> model_marks.Marks:
        base.rename(away)
        return read(folder)

    with monkeypatch.context() as patch:
        patch.setattr(model_marks, "read", read_too_late)
        watcher.poll()
    watcher.poll()
    assert (watcher.version, answer(watcher), answer(watcher, None, "canary")) == (1, 1, 3)
    away.rename(base)
    watcher.poll()
    assert (watcher.version, loader.calls) == (1, [1, 3])
