"""`pnfrec doctor` on machines that lack something."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import doctor, import_check
from pipeline.doctor import Finding, check, describe
from pipeline.doctor import doctor as command
from pipeline.machine import Machine

PACKAGES = {
    "tfx": "1.16.0",
    "tensorflow": "2.16.2",
    "keras": "3.12.4",
    "apache-beam": "2.61.0",
    "tensorflow-model-analysis": "0.47.1",
    "tensorflow-data-validation": "1.16.1",
    "ml-metadata": "1.16.0",
    "protobuf": "3.20.3",
    "grpcio": "1.65.5",
    "numpy": "1.26.4",
    "pyarrow": "10.0.1",
    "pandas": "1.5.3",
    "pydantic": "2.14.3",
    "tensorflow-recommenders": "0.7.7",
    "tf-keras": "2.16.0",
    "pip": "26.3",
}
GIB = 1024**3
# Nothing is missing here.
MACHINE = Machine(
    system="Linux",
    architecture="x86_64",
    glibc=(2, 36),
    python=(3, 10, 13),
    prefix="/repo/.venv/tfx116",
    cores=2,
    memory=16 * GIB,
    disk_free=100 * GIB,
    folder="/repo",
    gpus=None,
    programs={"tfx": "/repo/.venv/tfx116/bin/tfx", "pip": "/repo/.venv/tfx116/bin/pip"},
    packages=PACKAGES,
    pins=PACKAGES,
)


def machine(**changes: Any) -> Machine:
    return dataclasses.replace(MACHINE, **changes)


def without(*names: str) -> dict[str, str]:
    return {name: version for name, version in PACKAGES.items() if name not in names}


def test_a_complete_machine_has_no_findings() -> None:
    assert check(MACHINE) == []


def test_a_complete_machine_of_the_other_lane_has_none_either() -> None:
    prefix = "/repo/.venv/tfx121"
    other = machine(
        glibc=(2, 39),
        python=(3, 13, 5),
        prefix=prefix,
        programs={name: f"{prefix}/bin/{name}" for name in ("tfx", "pip")},
    )

    assert (other.lane, check(other)) == ("tfx121", [])


PLATFORM = "Use Linux on x86_64 or macOS on arm64 (on Windows: WSL)."


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        (
            {"python": (3, 14, 0), "glibc": (2, 41)},
            Finding(
                "missing",
                "Python 3.14.0 fits no lane: TFX 1.16 takes 3.10, TFX 1.21 takes 3.11 to 3.13.",
                "make setup    (picks a Python that fits)",
            ),
        ),
        (
            {"python": (3, 9, 18)},
            Finding(
                "missing",
                "Python 3.9.18 fits no lane: TFX 1.16 takes 3.10, TFX 1.21 takes 3.11 to 3.13.",
                "make setup    (picks a Python that fits)",
            ),
        ),
        (
            {"python": (3, 12, 1)},
            Finding(
                "missing",
                "The wheels of TFX 1.21 need glibc 2.39 or newer; this is 2.36.",
                "make setup    (with a Python 3.10: lane tfx116)",
            ),
        ),
        ({"architecture": "aarch64"}, Finding("missing", "TFX has no wheels for Linux aarch64.", PLATFORM)),
        (
            {"system": "Darwin", "glibc": None},
            Finding("missing", "TFX has no wheels for Darwin x86_64.", PLATFORM),
        ),
        (
            {"packages": without("tfx", "numpy")},
            Finding("missing", "Not installed: tfx, numpy.", "make setup    (or: pip install '.[pipeline]')"),
        ),
        (
            {"packages": without("tensorflow-recommenders")},
            Finding(
                "note",
                "Not installed: tensorflow-recommenders, which `index: tfrs` needs.",
                "pip install '.[tfrs]'",
            ),
        ),
        (
            {"packages": without("pip")},
            Finding("note", "Not installed: pip, which the tfx command needs.", "pip install '.[pipeline]'"),
        ),
        (
            {"packages": {**PACKAGES, "numpy": "1.26.3", "keras": "3.12.3", "unpinned": "1"}},
            Finding(
                "note",
                "Not as pinned in requirements/tfx116.txt: "
                "keras 3.12.3 (pinned: 3.12.4), numpy 1.26.3 (pinned: 1.26.4).",
                "make distclean setup    (makes the environment anew)",
            ),
        ),
        (
            {"programs": {"tfx": None, "pip": "/usr/bin/pip"}},
            Finding(
                "note",
                "tfx is not on PATH: `tfx run create` needs both tfx and pip there.",
                "source /repo/.venv/tfx116/bin/activate",
            ),
        ),
        (
            {"programs": {"tfx": "/repo/.venv/tfx116/bin/tfx", "pip": "/usr/bin/pip"}},
            Finding(
                "note",
                "pip on PATH is /usr/bin/pip, not that of this environment: "
                "`tfx run create` needs both tfx and pip there.",
                "source /repo/.venv/tfx116/bin/activate",
            ),
        ),
        (
            {"gpus": ("NVIDIA T4, 16384 MiB",)},
            Finding(
                "note",
                "A GPU is there, but nvidia-cudnn-cu12 is not installed: TensorFlow may not find CUDA.",
                "make setup PNFREC_EXTRAS=gpu    (pnfrec doctor --deep tries it)",
            ),
        ),
        (
            {"memory": 2 * GIB},
            Finding(
                "note",
                "2.0 GiB of memory is little for TFX.",
                "Close other programs, or use a machine with 4 GiB or more.",
            ),
        ),
        (
            {"disk_free": GIB // 2},
            Finding(
                "note",
                "0.5 GiB free in /repo is little for runs and their artifacts.",
                "Free some space, or run in another folder.",
            ),
        ),
    ],
)
def test_what_is_missing_and_what_to_do_about_it(changes: dict[str, Any], finding: Finding) -> None:
    assert check(machine(**changes)) == [finding]


def test_the_essential_comes_first() -> None:
    findings = check(machine(packages=without("tfx", "pip"), memory=GIB))

    assert [finding.level for finding in findings] == ["missing", "note", "note"]


def test_tensorflow_recommenders_is_for_linux_only() -> None:
    mac = machine(
        system="Darwin",
        architecture="arm64",
        glibc=None,
        python=(3, 12, 1),
        packages=without("tensorflow-recommenders", "tf-keras"),
        pins=None,
    )

    assert check(mac) == []


def test_a_gpu_with_its_libraries_is_fine() -> None:
    packages = {**PACKAGES, "nvidia-cudnn-cu12": "8.9.7.29"}

    assert check(machine(gpus=("NVIDIA T4, 16384 MiB",), packages=packages)) == []


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
