"""From the machine to an environment, and a command in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev import bootstrap, environment, pythons
from dev.console import SetupError
from dev.lanes import TFX116, Choice, Host, Python
from tests.dev.fakes import write_program, write_python

REPOSITORY = Path(__file__).resolve().parents[2]
DEBIAN_12 = Host("Linux", "x86_64", (2, 36))
DEBIAN_13 = Host("Linux", "x86_64", (2, 41))
UV = f"""
echo "$@" >> "$CALLS"
case "$1" in
  --version) echo uv 0.13.9;;
  venv) mkdir -p "$4/bin"; ln -s {sys.executable} "$4/bin/python";;
  python) [ -z "$FETCHED" ] || {{ mkdir -p "$(dirname "$FETCHED")"; cp "$SPARE" "$FETCHED"; }};;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on a machine with Python 3.10, 3.11 and uv, and nothing else."""
    for name in ("requirements/tfx116.txt", "requirements/tfx121.txt", "requirements/uv.txt", "setup.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pyproject.toml").touch()
    write_program(tmp_path / "bin" / "uv", UV)
    write_python(tmp_path / "bin" / "python3.10", (3, 10, 13))
    write_python(tmp_path / "bin" / "python3.11", (3, 11, 7))
    monkeypatch.setattr(pythons, "_system_folders", list)
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def env(root: Path) -> dict[str, str]:
    return {"PATH": f"{root / 'bin'}:/usr/bin:/bin", "CALLS": str(root / "calls")}


@pytest.fixture(autouse=True)
def _only_found_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the interpreters of the machine that runs the tests."""
    inner = pythons._path_folders
    system = {Path("/usr/bin"), Path("/bin")}
    monkeypatch.setattr(pythons, "_path_folders", lambda env: [path for path in inner(env) if path not in system])


def uv_calls(root: Path) -> list[str]:
    """The first words of each call of uv, but for questions about its version."""
    calls = (root / "calls").read_text(encoding="utf-8").splitlines()
    return [" ".join(call.split()[:2]) for call in calls if call != "--version"]


def test_the_first_set_up_says_what_it_picked_and_why(
    root: Path, env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    venv = bootstrap.set_up(root, DEBIAN_12, env)

    assert venv == root / ".venv" / "tfx116"
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [
        "pnfrec: lane tfx116 (TFX 1.16): the wheels of TFX 1.21 need glibc 2.39 or newer, "
        "and this is Linux x86_64, glibc 2.36",
        f"pnfrec: Python 3.10.13 ({root}/bin/python3.10)",
        "pnfrec: installing the packages of requirements/tfx116.txt (log: .venv/tfx116.log)",
    ]
    assert uv_calls(root) == ["venv --python", "pip sync", "pip install"]


def test_the_second_set_up_looks_for_nothing(
    root: Path, env: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.set_up(root, DEBIAN_12, env)
    capsys.readouterr()
    (root / "calls").unlink()
    monkeypatch.setattr(pythons, "probe", lambda path: pytest.fail(f"asked {path}"))

    assert bootstrap.set_up(root, DEBIAN_12, env) == root / ".venv" / "tfx116"
    assert capsys.readouterr().err == "pnfrec: lane tfx116, Python 3.10.13\n"
    assert not (root / "calls").exists()


def test_both_lanes_live_side_by_side(root: Path, env: dict[str, str]) -> None:
    assert bootstrap.set_up(root, DEBIAN_12, env) == root / ".venv" / "tfx116"
    assert bootstrap.set_up(root, DEBIAN_13, env) == root / ".venv" / "tfx121"
    (root / "calls").unlink()

    # Neither has to be made again.
    assert bootstrap.set_up(root, DEBIAN_12, env) == root / ".venv" / "tfx116"
    assert bootstrap.set_up(root, DEBIAN_13, {**env, "PNFREC_LANE": "tfx121"}) == root / ".venv" / "tfx121"
    assert not (root / "calls").exists()


def test_a_standing_environment_keeps_its_python_when_a_newer_one_comes(root: Path, env: dict[str, str]) -> None:
    bootstrap.set_up(root, DEBIAN_13, env)
    write_python(root / "bin" / "python3.13", (3, 13, 5))

    choice = bootstrap.standing_choice(root, DEBIAN_13, env)

    assert choice is not None
    assert choice.python == Python(f"{root}/bin/python3.11", (3, 11, 7))


def test_extras_stay_until_others_are_asked_for(root: Path, env: dict[str, str]) -> None:
    def extras(**variables: str) -> str:
        stamp = environment.read_stamp(bootstrap.set_up(root, DEBIAN_12, {**env, **variables}))
        assert stamp is not None
        return stamp.extras

    assert extras() == ""
    assert extras(PNFREC_EXTRAS="gpu") == "gpu"
    assert extras() == "gpu"
    assert extras(PNFREC_EXTRAS="") == ""


def test_pnfrec_python_and_pnfrec_lane_choose(root: Path, env: dict[str, str]) -> None:
    log = root / "log"
    named = bootstrap.make_choice(root, DEBIAN_13, {**env, "PNFREC_PYTHON": "3.10"}, log)
    lane = bootstrap.make_choice(root, DEBIAN_13, {**env, "PNFREC_LANE": "tfx116"}, log)

    python = Python(f"{root}/bin/python3.10", (3, 10, 13))
    assert named == Choice(TFX116, python, "PNFREC_PYTHON names a Python of this lane")
    assert lane == Choice(TFX116, python, "PNFREC_LANE asks for it")


def test_a_named_python_that_does_not_fit_is_refused(root: Path, env: dict[str, str]) -> None:
    with pytest.raises(SetupError, match=r"^The Python that PNFREC_PYTHON names does not fit\.\n"):
        bootstrap.make_choice(root, DEBIAN_12, {**env, "PNFREC_PYTHON": "3.11"}, root / "log")


def test_uv_is_asked_for_a_python_where_none_fits(root: Path, env: dict[str, str]) -> None:
    (root / "bin" / "python3.10").unlink()
    fetched = root / ".tools" / "python" / "cpython-3.10.15" / "bin" / "python3.10"
    spare = write_python(root / "spare", (3, 10, 15), base=fetched)

    choice = bootstrap.make_choice(root, DEBIAN_12, {**env, "FETCHED": str(fetched), "SPARE": str(spare)}, root / "log")

    assert choice.python == Python(str(fetched), (3, 10, 15))
    assert (root / "calls").read_text(encoding="utf-8").splitlines()[-1] == "python install --no-bin 3.10"


def test_where_uv_has_no_python_either_the_message_says_how_to_get_one(root: Path, env: dict[str, str]) -> None:
    (root / "bin" / "python3.10").unlink()

    with pytest.raises(SetupError) as caught:
        bootstrap.set_up(root, DEBIAN_12, env)

    lines = str(caught.value).splitlines()
    assert lines[:4] == [
        "No Python that fits was found.",
        "  this is    Linux x86_64, glibc 2.36",
        "  it needs   Python 3.10 (lane tfx116, TFX 1.16)",
        f"  found      3.11.7   {root}/bin/python3.11",
    ]
    assert f"             {root}/bin/uv python install 3.10" in lines


def test_settings_of_pip_reach_uv(root: Path) -> None:
    env = bootstrap.uv_environment({"PIP_INDEX_URL": "https://mine.example/simple", "OTHER": "kept"})

    assert env["UV_DEFAULT_INDEX"] == "https://mine.example/simple"
    assert env["OTHER"] == "kept"
    assert root.exists()


def test_an_activated_environment_comes_first_on_path() -> None:
    env = {"PATH": "/usr/bin", "PYTHONHOME": "/opt", "CONDA_PREFIX": "/conda", "LANG": "C.UTF-8"}

    assert bootstrap.activated(Path("/repo/.venv/tfx116"), env) == {
        "PATH": "/repo/.venv/tfx116/bin:/usr/bin",
        "VIRTUAL_ENV": "/repo/.venv/tfx116",
        "LANG": "C.UTF-8",
    }


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(SetupError) as caught:
        bootstrap.run_in(Path("/repo/.venv/tfx116"), ["no-such-command"], {"PATH": ""})

    assert str(caught.value) == (
        "no-such-command: No such file or directory (looked for in /repo/.venv/tfx116/bin and on PATH)."
    )


def run_main(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """The program itself, in this repository."""
    return subprocess.run(
        [sys.executable, "-m", "dev.bootstrap", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_error_is_one_message_and_exit_code_1() -> None:
    result = run_main(["setup"], PNFREC_LANE="newest")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "pnfrec: PNFREC_LANE must be tfx121 or tfx116. Received: 'newest'.\n"


def test_run_without_a_command_is_refused_before_anything_is_set_up() -> None:
    result = run_main(["run", "--"], PNFREC_LANE="newest")

    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == "python3 -m dev.bootstrap: error: `run` needs a command."


def test_the_set_up_says_how_to_come_to_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "set_up", lambda *_: bootstrap.ROOT / ".venv" / "tfx116")
    assert bootstrap.main(["setup"]) == 0
    assert "source .venv/tfx116/bin/activate" in "".join(capsys.readouterr())
