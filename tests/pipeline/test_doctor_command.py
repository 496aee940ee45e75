"""What `pnfrec doctor` prints, its exit status, and what it imports."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pipeline import doctor
from pipeline.doctor import describe
from pipeline.doctor import doctor as command
from pipeline.machine import Machine
from tests.pipeline.machines import MACHINE, PACKAGES, machine, without


def test_the_facts_a_line_each() -> None:
    lines = describe(machine(packages=without("tfx"), gpus=("NVIDIA T4, 16384 MiB",)))

    assert lines == [
        "machine                     Linux x86_64, glibc 2.36",
        "devices                     2 CPU cores, 16.0 GiB memory, NVIDIA T4, 16384 MiB",
        "disk                        100.0 GiB free in /repo",
        "Python                      3.10.13 in /repo/.venv/tfx116",
        "lane                        tfx116 (15 of 16 pins of requirements/tfx116.txt installed)",
        "tfx                         not installed",
        *(f"{name:26}  {version}" for name, version in PACKAGES.items() if name != "tfx"),
    ]


@pytest.mark.parametrize(("gpus", "words"), [(None, "no NVIDIA driver"), ((), "no NVIDIA GPU"), (("A", "B"), "A; B")])
def test_the_devices(gpus: tuple[str, ...] | None, words: str) -> None:
    assert describe(machine(gpus=gpus))[1].endswith(f"16.0 GiB memory, {words}")


def test_without_a_checkout_there_are_no_pins_to_compare() -> None:
    assert describe(machine(pins=None))[4] == "lane                        tfx116 (no pin file here)"


def run(monkeypatch: pytest.MonkeyPatch, found: Machine, *arguments: str) -> tuple[int, list[str]]:
    monkeypatch.setattr(doctor, "look", lambda: found)
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.output.splitlines()[len(describe(found)) :]


def test_the_command_ends_well_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, MACHINE) == (0, ["", "Nothing is missing."])


def test_a_note_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = run(monkeypatch, machine(disk_free=0))

    assert code == 0
    assert lines == [
        "",
        "NOTE  0.0 GiB free in /repo is little for runs and their artifacts.",
        "  -> Free some space, or run in another folder.",
    ]


def test_something_essential_that_is_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = run(monkeypatch, machine(packages=without("tfx"), disk_free=0))

    assert code == 1
    assert lines[:4] == [
        "",
        "MISSING  Not installed: tfx.",
        "  -> make setup    (or: pip install '.[pipeline]')",
        "",
    ]


def test_deep_fails_when_an_import_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DEEP_MODULES", ("json",))
    assert run(monkeypatch, MACHINE, "--deep")[0] == 0

    monkeypatch.setattr(doctor, "DEEP_MODULES", ("json", "no_such_module"))
    assert run(monkeypatch, MACHINE, "--deep")[0] == 1


def test_a_process_that_is_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess[str](args=[], returncode=-4)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: killed)

    code, lines = run(monkeypatch, MACHINE, "--deep")

    assert code == 1
    assert lines == ["", "The process that imports them was killed by signal 4."]


def test_nothing_heavy_is_imported() -> None:
    script = """
import json, sys
from pipeline import cli, doctor
doctor.describe(doctor.look())
heavy = {"tensorflow", "tfx", "apache_beam", "keras", "numpy", "pandas", "google.protobuf"}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert json.loads(result.stdout) == []
