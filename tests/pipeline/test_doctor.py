"""What `pnfrec doctor` finds on machines that lack something."""

from typing import Any

import pytest

from pipeline.doctor import Finding, check
from tests.pipeline.machines import GIB, MACHINE, PACKAGES, machine, without


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
