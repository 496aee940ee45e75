"""Where uv comes from."""

import hashlib
import os
from pathlib import Path

import pytest

from dev.console import SetupError
from dev.uv import NO_PIP, find_uv, get_uv, version_of
from tests.dev.fakes import write_program

# Stands in for an interpreter with pip: installs a uv into the folder after --target.
PIP = """
echo "$@" >> "$CALLS"
[ "$3" = --version ] && exit 0
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin" && printf '#!/bin/sh\\necho uv 0.13.9\\n' > "$2/bin/uv" && chmod +x "$2/bin/uv"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "uv.txt").write_text("uv==0.13.9\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def env(root: Path) -> dict[str, str]:
    (root / "calls").touch()
    return {"PATH": f"{root / 'bin'}:{os.environ['PATH']}", "CALLS": str(root / "calls")}


def install(root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, script: str = PIP) -> str:
    monkeypatch.setattr("sys.executable", str(write_program(root / "python", script)))
    return get_uv(root, env, [], root / "log")


@pytest.mark.parametrize(
    ("output", "version"),
    [("uv 0.13.9 (x86_64-unknown-linux-gnu)", (0, 13, 9)), ("uv 0.5.0", (0, 5, 0)), ("other 1.0", None), ("", None)],
)
def test_the_version_is_what_the_program_answers(root: Path, output: str, version: tuple[int, ...] | None) -> None:
    assert version_of(str(write_program(root / "bin" / "uv", f"echo '{output}'"))) == version


def test_a_program_that_fails_or_is_not_there_has_no_version(root: Path) -> None:
    assert version_of(str(write_program(root / "bin" / "uv", "echo uv 0.13.9; exit 1"))) is None
    assert version_of(str(root / "none")) is None


@pytest.mark.parametrize(("version", "taken"), [("0.5.0", True), ("1.2.3", True), ("0.4.30", False), ("x", False)])
def test_a_uv_on_path_is_taken_when_it_is_new_enough(root: Path, version: str, taken: bool) -> None:
    uv = write_program(root / "bin" / "uv", f"echo uv {version}")

    assert find_uv(root, {"PATH": str(root / "bin")}) == (str(uv) if taken else None)


def test_the_pinned_uv_is_installed_once_and_then_found(
    root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = install(root, env, monkeypatch)
    calls = (root / "calls").read_text(encoding="utf-8").splitlines()
    second = install(root, env, monkeypatch)

    assert first == second == str(root / ".tools" / "uv" / "bin" / "uv")
    work = root / ".tools" / f"uv.{os.getpid()}"
    assert calls == [
        f"-m pip install --quiet --no-user --no-deps --require-hashes --target {work}/uv -r {root}/requirements/uv.txt"
    ]
    assert (root / "calls").read_text(encoding="utf-8").splitlines() == calls
    assert os.listdir(root / ".tools") == ["uv"]
    digest = hashlib.sha256(b"uv==0.13.9\n").hexdigest()
    assert (root / ".tools" / "uv" / ".pins").read_text(encoding="ascii") == digest


def test_a_new_pin_installs_it_again(root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    install(root, env, monkeypatch)
    (root / "requirements" / "uv.txt").write_text("uv==0.14.0\n", encoding="utf-8")

    assert find_uv(root, {"PATH": ""}) is None
    assert install(root, env, monkeypatch) == str(root / ".tools" / "uv" / "bin" / "uv")
    assert find_uv(root, {"PATH": ""}) == str(root / ".tools" / "uv" / "bin" / "uv")


def test_an_interrupted_installation_leaves_nothing(
    root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = PIP + "echo 'name resolution failed'; exit 1"

    with pytest.raises(SetupError) as caught:
        install(root, env, monkeypatch, failing)

    assert str(caught.value) == (
        "uv could not be installed by pip.\n"
        "  The package index was not reached, or lacks the pinned version: "
        "check the network, PIP_INDEX_URL and proxies.\n"
        "  | name resolution failed\n"
        f"  The whole log: {root / 'log'}"
    )
    assert os.listdir(root / ".tools") == []


def test_another_python_lends_its_pip(root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(write_program(root / "bare", "exit 1")))
    lender = write_program(root / "lender", PIP)

    assert get_uv(root, env, [str(lender)], root / "log") == str(root / ".tools" / "uv" / "bin" / "uv")


def test_without_pip_a_virtual_environment_brings_it(
    root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = write_program(root / "inner", PIP)
    # Has no pip; `-m venv FOLDER` makes an environment that has.
    script = f'[ "$2" = venv ] || exit 1; mkdir -p "$3/bin"; cp {inner} "$3/bin/python"'

    assert install(root, env, monkeypatch, script) == str(root / ".tools" / "uv" / "bin" / "uv")
    assert os.listdir(root / ".tools") == ["uv"]


def test_without_pip_and_venv_the_message_says_what_to_install(
    root: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SetupError) as caught:
        install(root, env, monkeypatch, "exit 1")

    assert str(caught.value) == NO_PIP
    assert "apt install python3-venv" in NO_PIP
