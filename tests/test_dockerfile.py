"""The image: that it is made of what is there, by pins, and for a user who is not root. Nothing is built."""

import re

from dev.lanes import LANES
from pnfrec_core.imports import ROOT
from pnfrec_core.launch import PACKAGES

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def argument(name: str) -> list[str]:
    """The values that are given to a build argument: the default, and those of the examples."""
    return re.findall(rf"\b{name}=(\S+)", TEXT)


def test_each_lane_has_its_python_and_its_pins() -> None:
    lanes = {lane.name: lane for lane in LANES}
    # The example of the other lane stands above the defaults.
    pairs = list(zip(argument("LANE"), argument("BASE"), strict=True))
    assert [lane for lane, _ in pairs] == ["tfx116", "tfx121"]
    for lane, base in pairs:
        (python,) = re.findall(r"python:3\.(\d+)-slim", base)
        assert (3, int(python)) in lanes[lane].pythons
        assert (ROOT / "requirements" / f"{lane}.txt").exists()
    assert '--constraint "requirements/${LANE}.txt"' in TEXT
    assert "--require-hashes --requirement requirements/uv.txt" in TEXT


def test_the_extras_are_those_of_the_project() -> None:
    known = set(re.findall(r'^        "(\w+)":', (ROOT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE))
    for value in argument("EXTRAS"):
        if value != "...,gpu":
            assert {"pipeline", "kfp"} <= set(value.split(",")) <= known


def test_all_packages_go_into_the_image_and_nothing_of_the_machine() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert set(PACKAGES) <= taken
    assert taken - set(PACKAGES) == {"requirements", "LICENSE", "README.md", "pyproject.toml", "setup.py"}


def test_the_user_is_not_root() -> None:
    (user,) = re.findall(r"^USER (\S+)$", TEXT, re.MULTILINE)
    assert user.isdigit(), "Kubernetes can tell that a number is not root's"
    assert int(user) > 0
