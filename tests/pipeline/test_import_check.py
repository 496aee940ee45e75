"""The program that tries imports for `pnfrec doctor --deep`."""

import sys

import pytest

from pipeline import import_check


def test_each_import_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)

    assert import_check.main(["json", "no_such_module"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "json: imported in 0.0 s",
        "no_such_module: cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
    ]


def test_the_devices_that_tensorflow_sees_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    class Device:
        name = "/physical_device:CPU:0"

    class Config:
        @staticmethod
        def list_physical_devices() -> list[Device]:
            return [Device()]

    stub = type(sys)("tensorflow")
    stub.config = Config  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorflow", stub)

    assert import_check.main(["json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "TensorFlow sees /physical_device:CPU:0"
