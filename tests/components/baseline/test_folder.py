"""The folder of blessed models: what is kept, in which order, and what half-done work does to it."""

from pathlib import Path

import pytest

from components.baseline import folder
from tests.components.baseline.world import write_blessing, write_model


@pytest.fixture
def models(tmp_path: Path) -> dict[int, Path]:
    return {number: write_model(tmp_path / "models" / str(number), number) for number in (1, 2, 3)}


@pytest.fixture
def blessing(tmp_path: Path) -> str:
    return str(write_blessing(tmp_path / "blessing"))


def kept(place: Path) -> list[str]:
    return [Path(record.model).name for record in folder.records(str(place))]


def test_what_was_blessed_last_is_first(tmp_path: Path, models: dict[int, Path], blessing: str) -> None:
    place = tmp_path / "baselines"
    for number in (1, 2, 3, 1):
        folder.keep(str(place), str(models[number]), blessing, most=9)
    assert kept(place) == ["1", "3", "2"]


def test_an_older_clock_does_not_change_the_order(
    tmp_path: Path, models: dict[int, Path], blessing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.keep(str(tmp_path / "b"), str(models[1]), blessing, most=9)
    monkeypatch.setattr("components.baseline.folder.time.time_ns", lambda: 1)
    folder.keep(str(tmp_path / "b"), str(models[2]), blessing, most=9)
    assert kept(tmp_path / "b") == ["2", "1"]


def test_the_oldest_go_with_their_files(tmp_path: Path, models: dict[int, Path], blessing: str) -> None:
    for model in models.values():
        folder.keep(str(tmp_path / "b"), str(model), blessing, most=2)
    assert kept(tmp_path / "b") == ["3", "2"]
    assert len(list((tmp_path / "b").iterdir())) == 2


def test_the_copy_is_the_model(tmp_path: Path, models: dict[int, Path], blessing: str) -> None:
    record = folder.keep(str(tmp_path / "b"), str(models[1]), blessing, most=1)
    [found] = folder.history(str(tmp_path / "b"), str(models[2]))
    assert found.model.uri == str(tmp_path / "b" / record.digest / "model")
    for path in models[1].rglob("*"):
        if path.is_file():
            assert (Path(found.model.uri) / path.relative_to(models[1])).read_bytes() == path.read_bytes()
    assert (Path(found.blessing.uri) / "BLESSED").exists()
    assert found.blessing.get_int_custom_property("blessed") == 1


def test_the_candidate_is_known_by_what_it_holds(tmp_path: Path, models: dict[int, Path], blessing: str) -> None:
    """A run that is repeated trains the same bytes into another artifact."""
    place = str(tmp_path / "b")
    folder.keep(place, str(models[1]), blessing, most=9)
    folder.keep(place, str(models[2]), blessing, most=9)
    again = write_model(tmp_path / "again", 2)
    assert [found.model.uri for found in folder.history(place, str(again))] == [
        f"{place}/{folder.digest(str(models[1]))}/model"
    ]


def test_a_copy_that_was_cut_off_is_no_baseline_and_is_made_anew(
    tmp_path: Path, models: dict[int, Path], blessing: str
) -> None:
    place = tmp_path / "b"
    half = place / folder.digest(str(models[1])) / "model"
    half.mkdir(parents=True)
    (half / "leftover").touch()
    assert folder.records(str(place)) == []
    folder.keep(str(place), str(models[1]), blessing, most=9)
    assert kept(place) == ["1"]
    assert not (half / "leftover").exists()


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, models: dict[int, Path], blessing: str) -> None:
    record = folder.keep(str(tmp_path / "b"), str(models[1]), blessing, most=9)
    path = tmp_path / "b" / record.digest / "blessed.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"blessed.json cannot be read .* Delete its folder"):
        folder.records(str(tmp_path / "b"))


def test_there_is_nothing_where_nothing_was_kept(tmp_path: Path, models: dict[int, Path]) -> None:
    assert folder.history(str(tmp_path / "none"), str(models[1])) == []


def test_what_is_random_in_an_export_is_no_part_of_the_digest(tmp_path: Path) -> None:
    one, other = write_model(tmp_path / "1", 1), write_model(tmp_path / "2", 1)
    for model in (one, other):
        (model / "Format-Serving" / "fingerprint.pb").write_text(model.name, encoding="utf-8")
    assert folder.digest(str(one)) == folder.digest(str(other))


@pytest.mark.parametrize("change", ["content", "name"])
def test_a_model_that_differs_has_another_digest(tmp_path: Path, change: str) -> None:
    one, other = write_model(tmp_path / "1", 1), write_model(tmp_path / "2", 1)
    assert folder.digest(str(one)) == folder.digest(str(other))
    file = other / "Format-Serving" / "variables" / "variables.index"
    if change == "content":
        file.write_text("other", encoding="utf-8")
    else:
        file.rename(file.with_name("variables.other"))
    assert folder.digest(str(one)) != folder.digest(str(other))
