"""A model that people have marked as bad is not pushed again, whatever number it would get."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.pusher import executor
from components.pusher.delivery import serving_version
from pnfrec_core import marking, model_marks, serving_config
from pnfrec_core.locks import HeldError, holding
from pnfrec_core.model_marks import ConfigFile, MarksError
from tests.components.pusher.test_pusher import Delivery


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    clock = [100]
    monkeypatch.setattr("tfx.components.pusher.executor.time.time", lambda: clock[0])
    return Delivery(tmp_path, clock)


def test_a_bad_model_is_refused_until_it_is_unmarked(delivery: Delivery, caplog: pytest.LogCaptureFixture) -> None:
    delivery.push("a")
    delivery.push("b")
    marking.rollback(delivery.base, None, "lists of one genre")
    with caplog.at_level(logging.WARNING):
        pushed = delivery.push("b")
    assert delivery.versions() == ["a", "b"]
    assert pushed.get_int_custom_property("pushed") == 0
    refused = pushed.get_string_custom_property("refused")
    assert f"this model is version 102 of {delivery.base}, which was marked as bad (" in refused
    assert "lists of one genre" in refused
    assert f"pnfrec models unmark 102 --base {delivery.base}" in refused
    assert refused in caplog.messages
    marking.unmark(delivery.base, 102)
    assert delivery.push("b").get_int_custom_property("is_new") == 0, "it is the newest good one again"


def test_a_bad_model_is_refused_though_its_folder_is_gone(delivery: Delivery) -> None:
    delivery.push("a")
    delivery.push("b")
    marking.rollback(delivery.base, None, "bad")
    shutil.rmtree(delivery.base / "102")
    assert delivery.push("b").get_string_custom_property("refused")
    assert delivery.versions() == ["a"]


def test_a_model_that_is_rolled_back_while_it_is_pushed_again_is_not_pushed(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback marks the versions that are there, and a push takes minutes until its own is."""
    delivery.push("a")
    delivery.push("b")

    def replay(*_: Any) -> dict[str, str]:
        marking.rollback(delivery.base, 101, "lists of one genre")
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(executor, "_replay", replay)
        pushed = delivery.push("a")
    assert delivery.versions() == ["a", "b"]
    assert pushed.get_int_custom_property("pushed") == 0
    refused = pushed.get_string_custom_property("refused")
    assert f"this model is version 101 of {delivery.base}, which was marked as bad (" in refused
    assert not list(delivery.base.glob("*104*")), "nothing of it is left"
    # Nobody can mark it between the last look and the moment in which servers take it.
    marked = holding(delivery.base / ".marks.lock", patience=0.0)
    with executor._while_not_bad(model_marks.read(delivery.base), str(delivery.base)), pytest.raises(HeldError):
        marked.__enter__()


def test_a_bad_version_is_not_what_a_new_model_is_compared_with(delivery: Delivery) -> None:
    """After a rollback to `a`, a run that makes `a` again has nothing to push: it is what serves."""
    delivery.push("a")
    delivery.push("b")
    marking.rollback(delivery.base, None, "bad")
    pushed = delivery.push("a")
    assert pushed.get_int_custom_property("is_new") == 0
    assert pushed.get_string_custom_property("pushed_version") == "101"
    assert delivery.push("c").get_string_custom_property("pushed_version") == "104"
    assert delivery.versions() == ["a", "b", "c"]


def test_a_model_is_pushed_beside_a_pinned_one_which_is_told(delivery: Delivery) -> None:
    delivery.push("a")
    marking.pin(delivery.base, 101)
    pushed = delivery.push("b")
    assert delivery.versions() == ["a", "b"]
    assert pushed.get_int_custom_property("pinned") == 101


def test_a_new_model_is_compared_with_the_version_that_serves(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the newest, where another is pinned or the newest is bad."""
    for name in "abc":
        delivery.push(name)

    def serving() -> str:
        return serving_version(str(delivery.base), model_marks.read(delivery.base))

    assert serving() == str(delivery.base / "103")
    marking.rollback(delivery.base, None, "bad")
    assert serving() == str(delivery.base / "102")
    marking.pin(delivery.base, 101)
    assert serving() == str(delivery.base / "101")
    compared: list[str] = []

    def replay(*given: Any) -> dict[str, str]:
        compared.append(given[2])
        return {}

    monkeypatch.setattr(executor, "_replay", replay)
    delivery.push("d")
    assert compared == [str(delivery.base / "101")]
    assert serving_version(str(delivery.root / "none"), model_marks.Marks()) == ""


def test_damaged_marks_stop_the_push(delivery: Delivery) -> None:
    delivery.push("a")
    model_marks.marks_file(delivery.base).write_text("{")
    with pytest.raises(MarksError, match=r"marks\.json: the marks of the versions are damaged"):
        delivery.push("b")
    assert delivery.versions() == ["a"]


def test_tensorflow_serving_is_told_of_the_new_version(delivery: Delivery) -> None:
    delivery.push("a")
    delivery.push("b")
    marking.rollback(delivery.base, None, "bad")
    file = marking.write_config(delivery.base, ConfigFile("pnfrec", "/models"))
    assert "versions: 101 }" in file.read_text()
    delivery.push("c")
    assert "versions: 103 }" in file.read_text()
    # A run that was killed behind its push has told nobody: the next one, which has nothing to push, does.
    file.write_text(file.read_text().replace("versions: 103 }", "versions: 101 }"))
    assert delivery.push("c").get_int_custom_property("is_new") == 0
    assert "versions: 103 }" in file.read_text()
    assert file == serving_config.config_file(delivery.base)
    file.unlink()
    file.mkdir()
    delivery.push("d")
    assert delivery.versions() == ["a", "b", "c", "d"]


def test_the_verdict_of_the_gate_lies_in_the_version(delivery: Delivery) -> None:
    report = delivery.root / "report"
    report.mkdir()
    (report / "report.json").write_text("{}")
    delivery.push("a", report=report)
    assert (delivery.base / "101" / "assets.extra" / "report.json").read_text() == "{}"
    (report / "report.json").write_text("{ }")
    assert delivery.push("a", report=report).get_int_custom_property("is_new") == 0
