"""Which interpreters are found, and in what order."""

import sys
from pathlib import Path

import pytest

from dev import pythons
from dev.console import SetupError
from dev.lanes import Python
from tests.dev.fakes import write_program, write_python


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder on a machine that has nothing else."""
    monkeypatch.setattr(pythons, "_system_folders", list)
    return tmp_path / "home"


def found(home: Path, env: dict[str, str]) -> list[Python]:
    return pythons.find(pythons.candidates(env, home, home / "repo"))


def test_the_running_interpreter_answers_the_probe() -> None:
    answer = pythons.probe(sys.executable)

    assert answer is not None
    assert answer.version == sys.version_info[:3]
    # Inside a virtual environment the interpreter behind it counts.
    assert Path(answer.path).resolve() == Path(sys.executable).resolve()
    assert not Path(answer.path).is_relative_to(sys.prefix)


def test_path_comes_before_pyenv_and_pyenv_before_the_tool_folder(home: Path) -> None:
    near = write_python(home / "bin" / "python3.12", (3, 12, 4))
    pyenv = write_python(home / ".pyenv" / "versions" / "3.10.13" / "bin" / "python3.10", (3, 10, 13))
    tool = write_python(home / "repo" / ".tools" / "python" / "cpython-3.11.9" / "bin" / "python3.11", (3, 11, 9))

    assert found(home, {"PATH": str(home / "bin")}) == [
        Python(str(near), (3, 12, 4)),
        Python(str(pyenv), (3, 10, 13)),
        Python(str(tool), (3, 11, 9)),
    ]


def test_pyenv_is_looked_into_since_its_shim_does_not_answer(home: Path) -> None:
    write_program(home / ".pyenv" / "shims" / "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    real = write_python(home / ".pyenv" / "versions" / "3.10.13" / "bin" / "python3.10", (3, 10, 13))

    assert found(home, {"PATH": str(home / ".pyenv" / "shims")}) == [Python(str(real), (3, 10, 13))]


def test_pyenv_root_is_respected_and_the_newest_patch_comes_first(home: Path) -> None:
    paths = {
        patch: write_python(home / "env" / "versions" / f"3.10.{patch}" / "bin" / "python3.10", (3, 10, patch))
        for patch in (2, 13, 9)
    }

    assert found(home, {"PYENV_ROOT": str(home / "env")}) == [
        Python(str(paths[patch]), (3, 10, patch)) for patch in (13, 9, 2)
    ]


@pytest.mark.parametrize(
    ("folder", "env"),
    [
        (".local/share/uv/python/cpython-3.12.1-linux", {}),
        ("uv/cpython-3.12.1-linux", {"UV_PYTHON_INSTALL_DIR": "{home}/uv"}),
        ("data/uv/python/cpython-3.12.1-linux", {"XDG_DATA_HOME": "{home}/data"}),
        (".asdf/installs/python/3.12.1", {}),
        (".local/share/mise/installs/python/3.12.1", {}),
    ],
)
def test_folders_of_other_managers(home: Path, folder: str, env: dict[str, str]) -> None:
    path = write_python(home / folder / "bin" / "python3.12", (3, 12, 1))

    assert found(home, {name: value.format(home=home) for name, value in env.items()}) == [
        Python(str(path), (3, 12, 1))
    ]


def test_an_interpreter_is_listed_once(home: Path) -> None:
    real = write_python(home / "bin" / "python3.10", (3, 10, 13))
    (home / "bin" / "python3").symlink_to(real)
    # The same interpreter, answering through a virtual environment.
    write_python(home / "venv" / "python3", (3, 10, 13), base=real)

    assert found(home, {"PATH": f"{home / 'bin'}:{home / 'venv'}"}) == [Python(str(real), (3, 10, 13))]


@pytest.mark.parametrize("script", ["exit 127", "echo no JSON", "echo", "echo '{}'; exit 1"])
def test_what_does_not_answer_is_left_out(home: Path, script: str) -> None:
    path = write_program(home / "bin" / "python3.10", script)

    assert pythons.probe(str(path)) is None
    assert found(home, {"PATH": str(home / "bin")}) == []


def test_other_implementations_are_left_out(home: Path) -> None:
    path = write_python(home / "bin" / "python3.10", (3, 10, 13), usable=False)

    assert pythons.probe(str(path)) is None


def test_missing_headers_are_noted(home: Path) -> None:
    path = write_python(home / "bin" / "python3.10", (3, 10, 13), headers=False)

    assert pythons.probe(str(path)) == Python(str(path), (3, 10, 13), headers=False)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("3.10", "3.10.13"),
        ("3.10.2", "3.10.2"),
        ("3.1", None),
        ("{home}/.pyenv/versions/3.10.2/bin/python3.10", "3.10.2"),
        ("python3.12", "3.12.4"),
        ("3.9", None),
        ("/no/such/python", None),
        ("", None),
    ],
)
def test_a_named_python_is_a_version_a_path_or_a_command(home: Path, wanted: str, expected: str | None) -> None:
    for patch in (2, 13):
        write_python(home / ".pyenv" / "versions" / f"3.10.{patch}" / "bin" / "python3.10", (3, 10, patch))
    write_python(home / "bin" / "python3.12", (3, 12, 4))
    env = {"PATH": str(home / "bin")}
    wanted = wanted.format(home=home)

    if expected is None:
        with pytest.raises(SetupError) as caught:
            pythons.named(wanted, env, home, home / "repo")
        assert str(caught.value) == (
            f"PNFREC_PYTHON={wanted} is no Python that answers.\n"
            "  Expected: the path of a CPython, a command on PATH, or a version such as 3.10."
        )
    else:
        answer = pythons.named(wanted, env, home, home / "repo")
        assert [".".join(map(str, python.version)) for python in answer] == [expected]
