"""The documentation site: its interpreter, its environment, and how strictly it is built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev import environment, pythons, site
from dev.console import SetupError
from dev.lanes import Python
from tests.dev.fakes import write_program, write_python

PYTHON = Python("/opt/python3.13", (3, 13, 1))
# Stands in for uv: notes its calls, makes an environment whose Python is a script, and fails where it is told to.
UV = """
echo "$@" >> "$CALLS"
if [ "$1" = venv ]; then mkdir -p "$4/bin"; fi
case "$*" in $FAIL_AT) exit 1;; esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on a machine without an interpreter."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "docs.txt").write_text("sphinx==9.2.0\n", encoding="utf-8")
    (tmp_path / "setup.py").write_text("setup()\n", encoding="utf-8")
    write_program(tmp_path / "uv", UV)
    monkeypatch.setattr(pythons, "_system_folders", list)
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def choose(root: Path, **variables: str) -> tuple[int, ...]:
    return site.choose_python(root, {"PATH": str(root / "bin"), **variables}).minor


def test_the_newest_python_builds_the_site_and_a_lane_or_a_name_picks_another(root: Path) -> None:
    for minor in (9, 10, 11, 12):
        write_python(root / "bin" / f"python3.{minor}", (3, minor, 1))

    assert choose(root) == (3, 12)
    assert choose(root, PNFREC_LANE="tfx116") == (3, 10)
    assert choose(root, PNFREC_LANE="tfx121") == (3, 12)
    assert choose(root, PNFREC_PYTHON="3.11") == (3, 11)


def test_where_no_python_fits_those_that_were_found_are_named(root: Path) -> None:
    python = write_python(root / "bin" / "python3", (3, 9, 18))

    with pytest.raises(SetupError) as error:
        choose(root)

    assert str(error.value) == (
        f"The documentation needs one of Python 3.13, 3.12, 3.11, 3.10. Found: 3.9.18 ({python}).\n"
        '  See "Lanes" in CONTRIBUTING.md.'
    )


def make(root: Path, python: Python = PYTHON, pinned: bool = True, fail_at: str = "never") -> list[str]:
    """Makes the environment and returns the calls of uv."""
    calls = root / "calls"
    calls.write_text("", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "CALLS": str(calls), "FAIL_AT": fail_at}
    with environment.locked(root):
        assert site.make_environment(root, python, str(root / "uv"), env, pinned) == root / ".venv" / "docs"
    return calls.read_text(encoding="utf-8").splitlines()


def test_the_environment_is_made_from_the_pins_and_only_when_they_or_the_python_change(root: Path) -> None:
    venv = root / ".venv" / "docs"
    both = [
        f"venv --python /opt/python3.13 {venv}",
        f"pip sync --python {venv}/bin/python --require-hashes {root}/requirements/docs.txt",
    ]

    assert make(root) == both
    assert make(root) == []
    (root / "requirements" / "docs.txt").write_text("sphinx==9.2.1\n", encoding="utf-8")
    assert make(root) == both
    assert make(root, Python("/opt/python3.12", (3, 12, 1))) == [both[0].replace("3.13", "3.12"), both[1]]


def test_without_pins_for_the_system_the_ranges_of_the_extra_are_installed(root: Path) -> None:
    venv = root / ".venv" / "docs"

    assert make(root, pinned=False)[1:] == [f"pip install --python {venv}/bin/python -e .[docs]"]


@pytest.mark.parametrize("step", ["venv*", "pip*"])
def test_an_interrupted_environment_is_made_anew(root: Path, step: str) -> None:
    with pytest.raises(SetupError):
        make(root, fail_at=step)

    assert len(make(root)) == 2


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "pnfrec: the site is build/site/index.html\n"),
        (1, "pnfrec: the site was not built: each line above names a file and what is wrong in it\n"),
    ],
)
def test_sphinx_runs_strictly_and_the_outcome_is_said(
    root: Path, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    venv = root / ".venv" / "docs"
    write_program(venv / "bin" / "python", f'echo "$@" > {root}/calls; exit {status}')

    assert site.build_site(root, venv, ["-j", "2"]) == status

    assert (root / "calls").read_text(encoding="utf-8").split() == [
        *("-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-E", "-j", "2"),
        *("-d", f"{root}/build/doctrees", f"{root}/docs", f"{root}/build/site"),
    ]
    assert capsys.readouterr().err == said


def test_docstrings_are_plain_text_that_the_site_shows_as_it_is() -> None:
    """docs/_ext is on the path of Sphinx alone, so this runs in a process of its own."""
    code = (
        "from docstrings import render\n"
        "text = '''A `name`, `Piece`s, 2 * n and |A|.\n\nfixed     one\ngeometric two\n\n"
        "Args:\n    a, b,\n        c: All three.\n    d: One.\n'''\n"
        "print('\\n'.join(render(text.splitlines())))"
    )
    folder = Path(__file__).resolve().parents[2] / "docs" / "_ext"
    shown = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert shown == (
        "A ``name``, ``Piece``\\ s, 2 \\* n and \\|A\\|.\n\n::\n\n    fixed     one\n    geometric two\n\n"
        "Args:\n    a, b, c: All three.\n    d: One.\n\n"
    )
