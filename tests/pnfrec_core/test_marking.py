"""Changes of the marks: what they do, and what they refuse."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pnfrec_core import marking, model_marks, serving_config
from pnfrec_core.model_digest import model_digest
from pnfrec_core.model_marks import ConfigFile, Marks, MarksError


def put(base: Path, version: int, model: str, complete: bool = True) -> None:
    """A version whose model is a text."""
    folder = base / str(version)
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "variables.data").write_text(model)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "run.yaml").write_text(f"run {version}")
    if complete:
        (folder / "saved_model.pb").write_text("graph")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Versions 1 and 3 are one model; 5 is not complete."""
    for version, model in ((1, "a"), (2, "b"), (3, "a"), (4, "c")):
        put(tmp_path, version, model)
    put(tmp_path, 5, "d", complete=False)
    return tmp_path


def test_a_model_is_known_by_its_files_not_by_the_run_that_pushed_it(base: Path) -> None:
    digests = {version: model_digest(base / str(version)) for version in (1, 2, 3, 4)}
    assert digests[1] == digests[3]
    assert len(set(digests.values())) == 3
    (base / "3" / "variables" / "variables.data").rename(base / "3" / "variables" / "other")
    assert model_digest(base / "3") != digests[1], "names count"


def test_pin_and_unpin(base: Path) -> None:
    assert marking.pin(base, 2, "why").serving([1, 2, 4]) == 2
    pinned = model_marks.read(base).pinned
    assert pinned is not None
    assert (pinned.version, pinned.reason) == (2, "why")
    marking.unpin(base)
    assert model_marks.read(base) == Marks()
    with pytest.raises(MarksError, match=r"No version is pinned in .*: version 4 serves"):
        marking.unpin(base)


@pytest.mark.parametrize("mark", [marking.pin, lambda base, version: marking.label(base, "stable", version)])
def test_what_is_not_there_not_complete_or_bad_is_neither_pinned_nor_labelled(
    base: Path, mark: Callable[[Path, int], Marks]
) -> None:
    marking.rollback(base, 4, "bad lists")
    before = model_marks.read(base)
    for version, said in (
        (9, r"Version 9 is not in .*\. Versions that are there: 4, 3, 2, 1\."),
        (5, r"Version 5 has no saved_model\.pb"),
        (4, r"Version 4 cannot be .*: it is bad, since .*bad lists.*pnfrec models unmark 4"),
    ):
        with pytest.raises(MarksError, match=said):
            mark(base, version)
    assert model_marks.read(base) == before


def test_labels(base: Path) -> None:
    marking.label(base, "stable", 2)
    marking.label(base, "canary", 4)
    assert {name: mark.version for name, mark in marking.label(base, "stable", 3).labels.items()} == {
        "stable": 3,
        "canary": 4,
    }
    assert list(marking.unlabel(base, "stable").labels) == ["canary"]
    with pytest.raises(MarksError, match=r"No version in .* has the label 'stable' \(labels: canary\)"):
        marking.unlabel(base, "stable")


def test_rollback_takes_the_newest_and_its_labels(base: Path) -> None:
    marking.label(base, "canary", 4)
    marking.label(base, "stable", 2)
    after = marking.rollback(base, None, "bad lists")
    assert after.bad[4].model == model_digest(base / "4")
    assert (list(after.bad), list(after.labels)) == ([4], ["stable"])
    assert after.serving([1, 2, 3, 4]) == 3
    with pytest.raises(MarksError, match="Version 4 is bad already"):
        marking.rollback(base, 4, "again")


def test_rollback_takes_every_number_of_the_model_and_unmark_gives_all_back(base: Path) -> None:
    marking.pin(base, 1)
    after = marking.rollback(base, 3, "bad")
    assert (sorted(after.bad), after.pinned) == ([1, 3], None)
    assert marking.unmark(base, 1).bad == {}
    with pytest.raises(MarksError, match=r"Version 1 is not marked as bad in .* \(bad: none\)"):
        marking.unmark(base, 1)


def test_a_bad_refit_takes_the_judged_model_with_it(base: Path) -> None:
    """That one is what a later run would compare with, begin with or push; it lies elsewhere, under no number."""
    (base / "4" / "assets.extra" / "refit.json").write_text(json.dumps({"judged": {"digest": "of the judged"}}))
    refit = model_digest(base / "4")
    mark = marking.rollback(base, 4, "bad lists").bad[4]
    assert model_marks.read(base).bad_models == {refit: mark, "of the judged": mark}
    marking.unmark(base, 4)
    assert model_marks.read(base).bad_models == {}


def test_rollback_leaves_something_to_serve(base: Path) -> None:
    marking.rollback(base, None, "bad")
    marking.rollback(base, None, "bad")  # 3, and with it 1
    with pytest.raises(MarksError, match=r"Version 2 is the last one in .* that is not bad.*pnfrec run"):
        marking.rollback(base, None, "bad")
    assert sorted(model_marks.read(base).bad) == [1, 3, 4]


def test_what_to_roll_back_has_to_be_said_where_a_version_is_pinned(base: Path) -> None:
    marking.pin(base, 2)
    with pytest.raises(MarksError, match=r"Version 2 is pinned in .* name it, as in pnfrec models rollback 2"):
        marking.rollback(base, None, "bad")
    assert marking.rollback(base, 2, "bad").pinned is None


@pytest.mark.parametrize("folder", ["", "1"])
def test_without_versions_there_is_nothing_to_roll_back(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    with pytest.raises(MarksError, match="holds no version that is complete"):
        marking.rollback(tmp_path, None, "bad")
    with pytest.raises(MarksError, match="is no folder"):
        marking.rollback(tmp_path / "missing", None, "bad")


def test_every_change_writes_the_config_of_tensorflow_serving_anew(base: Path) -> None:
    marking.pin(base, 2)
    file = serving_config.config_file(base)
    assert not file.exists()
    marking.write_config(base, ConfigFile("films", "/models/films"))
    assert "specific { versions: 2 }" in file.read_text()
    marking.rollback(base, 4, "bad")
    marking.unpin(base)
    assert "specific { versions: 3 }" in file.read_text()
    marking.label(base, "stable", 1)
    assert "specific { versions: 1 versions: 3 }" in file.read_text()
    file.unlink()
    marking.unlabel(base, "stable")
    assert not file.exists(), "nobody wants it any more"


def test_marks_that_count_though_tensorflow_serving_cannot_be_told_are_not_said_to_be_none(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marking.write_config(base, ConfigFile("m", "/models/m"))

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(serving_config, "write", no_room)
    said = r"marks are changed, and `pnfrec serve` obeys them; but .*models\.config cannot be written .*No space left"
    with pytest.raises(MarksError, match=said):
        marking.pin(base, 2)
    assert model_marks.read(base).serving([1, 2, 4]) == 2
