"""Programs of this project import nothing from the folder in which they are called, whatever lies there."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from pnfrec_core import imports, launch
from tests.pipeline.world import write_config

ROOT = Path(__file__).parents[2]
# Names that a user's own files may have.
THEIRS = ("components", "pipeline", "serving", "studies", "click", "yaml", "pydantic", "numpy")
# With a PYTHONPATH that leads there, Python itself imports some of these before it runs anything.
STANDARD = ("json", "random", "runpy", "sqlite3", "typing", *(name for name in launch.PACKAGES if name not in THEIRS))
MARK = 'import os\nopen(os.environ["MARK"], "a").write(__name__ + "\\n")\nraise SystemExit(9)\n'
# Values of PYTHONPATH, HERE being the working folder. "relative" is it as well.
PATHS = {
    "not set": None,
    "empty": "",
    "two empty": ":",
    "empty first": ":/nowhere",
    "empty last": "/nowhere:",
    "relative": ".",
    "named": "HERE",
    "all": "HERE::.:/nowhere",
}


@pytest.fixture(params=["files", "folders"])
def working(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A working folder with names of modules; each leaves a mark where it is imported."""
    folder = tmp_path / "working"
    folder.mkdir()
    write_modules(folder, THEIRS, as_folders=request.param == "folders")
    return folder


def write_modules(folder: Path, names: Iterable[str], *, as_folders: bool) -> None:
    for name in names:
        path = folder / name / "__init__.py" if as_folders else folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(MARK)


def call(working: Path, words: list[str], python_path: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "MARK": str(working.parent / "mark")}
    environment.pop("PYTHONPATH", None)
    if python_path is not None:
        environment["PYTHONPATH"] = python_path.replace("HERE", str(working))
    return subprocess.run(words, cwd=working, env=environment, capture_output=True, text=True, check=False)


def imported(working: Path) -> str:
    mark = working.parent / "mark"
    return mark.read_text() if mark.exists() else ""


def test_the_packages_are_those_that_are_installed() -> None:
    assert set(launch.PACKAGES) == set(imports.PACKAGES) - {"benchmarks", "dev", "tests"}


@pytest.mark.parametrize("python_path", ["not set", "all"])
def test_a_module_is_run_as_a_program_with_its_arguments(working: Path, python_path: str) -> None:
    if python_path == "not set":
        write_modules(working, STANDARD, as_folders=(working / "yaml").is_dir())
    done = call(working, launch.command("pipeline.import_check", "csv", "no_such_module"), PATHS[python_path])
    assert done.returncode == 1, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("csv: imported in ")
    assert second.startswith("no_such_module: cannot be imported")
    assert imported(working) == ""


@pytest.mark.parametrize("python_path", PATHS)
def test_the_command_imports_nothing_from_the_working_folder(working: Path, python_path: str) -> None:
    program = str(Path(sys.executable).parent / "pnfrec")
    config = write_config(working)
    done = call(working, [sys.executable, program, "config", "--config", str(config)], PATHS[python_path])
    assert done.returncode == 0, done.stderr
    assert "positive: 8.0" in done.stdout
    assert imported(working) == ""


def test_what_a_program_starts_looks_elsewhere_too(working: Path) -> None:
    code = (
        "from pnfrec_core import launch; launch.keep_out_working_folder(); launch.keep_out_working_folder();"
        "import os, sys; print(os.environ['PYTHONPATH'], os.environ['PYTHONSAFEPATH'], "
        "'' in sys.path, len(sys.meta_path))"
    )
    path = f"{ROOT}::/else:.:{working}"
    before = call(ROOT, [sys.executable, "-c", "import sys; print(len(sys.meta_path))"])
    done = call(working, [sys.executable, "-S", "-c", code], path)
    found = done.stdout.split()
    assert found[:3] == [f"{ROOT}:/else", "1", "False"], done.stderr
    assert int(found[3]) <= int(before.stdout) + 1
    assert imported(working) == ""


def test_other_entries_of_the_path_stay(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "of_a_user.py").write_text("print('theirs')")
    done = call(tmp_path, launch.command("pipeline.import_check", "of_a_user"), f"{tmp_path / 'theirs'}:")
    assert done.returncode == 0
    assert done.stdout.startswith("theirs\n")


def test_a_working_folder_that_is_gone_is_no_hindrance(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = launch.command("pipeline.import_check", "csv")
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(words)}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lines_come_at_once_where_that_is_asked_for() -> None:
    assert launch.command("serving.server", unbuffered=True)[:2] == [sys.executable, "-u"]
