"""`make test ARGS=--changed`: which tests a change can reach."""

import subprocess
from pathlib import Path

import pytest

from tests.support.changed import Change, Reach, choose, find_change

SOURCES = {
    "pnfrec_core/__init__.py": "",
    "pnfrec_core/words.py": "WORD = 1\n",
    "pipeline/__init__.py": "",
    "pipeline/page.py": "PAGE = 'page.html'\n",
    "pipeline/page.html": "<p>",
    "pipeline/lazy.py": "def read():\n    from pnfrec_core import words\n    return words\n",
    "pipeline/commands.py": "COMMANDS = {'page': 'pipeline.page'}\n",
    "tests/__init__.py": "",
    "tests/conftest.py": "from tests.support import tools\n",
    "tests/support/__init__.py": "",
    "tests/support/tools.py": "",
    "tests/test_lazy.py": "from pipeline.lazy import read\n",
    "tests/test_page.py": "from pipeline import page\n",
    "tests/test_commands.py": "from pipeline.commands import COMMANDS\n",
    "tests/test_readme.py": "README = 'README.md'\nCONFIGS = ('configs', '*.yaml')\n",
    "README.md": "",
    "configs/a.yaml": "",
    "data/rows.csv": "",
}
TESTS = ("commands", "lazy", "page", "readme")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "reached"),
    [
        ("pnfrec_core/words.py", ["lazy"]),
        ("pipeline/lazy.py", ["lazy"]),
        ("pipeline/page.py", ["commands", "page"]),
        ("pipeline/page.html", ["commands", "page"]),
        ("pipeline/__init__.py", ["commands", "lazy", "page"]),
        ("tests/test_page.py", ["page"]),
        ("tests/support/tools.py", ["commands", "lazy", "page", "readme"]),
        ("tests/conftest.py", ["commands", "lazy", "page", "readme"]),
        ("README.md", ["readme"]),
        ("configs/a.yaml", ["readme"]),
        ("data/rows.csv", []),
        ("pyproject.toml", ["commands", "lazy", "page", "readme"]),
        ("requirements/tfx116.txt", ["commands", "lazy", "page", "readme"]),
    ],
)
def test_a_file_is_met_by_the_tests_that_reach_it(repository: Path, file: str, reached: list[str]) -> None:
    reach = Reach(repository)
    found = [name for name in TESTS if reach.meets(repository / f"tests/test_{name}.py", [Path(file)])]
    assert found == reached


def git(folder: Path, *words: str) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def branch(repository: Path) -> Path:
    """A clone of a repository, with a commit of its own, a change that is not committed and a new file."""
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    clone = repository / "clone"
    git(repository, "clone", "-q", ".", str(clone))
    (clone / "pipeline" / "lazy.py").write_text("")
    git(clone, "commit", "-qam", "second")
    (clone / "README.md").write_text("changed")
    (clone / "new.py").write_text("")
    return clone


def test_what_has_changed_since_the_branch_left_main(branch: Path) -> None:
    found = find_change("", branch)
    assert found.files == {Path("pipeline/lazy.py"), Path("README.md"), Path("new.py")}
    assert found.since.endswith("where the branch left origin/main")


def test_what_has_changed_since_a_commit(branch: Path) -> None:
    assert find_change("HEAD", branch) == Change("HEAD", frozenset({Path("README.md"), Path("new.py")}))


def test_on_main_itself_it_is_the_last_commit(branch: Path) -> None:
    git(branch, "push", "-q", "origin", "HEAD:refs/heads/other")
    git(branch, "update-ref", "refs/remotes/origin/main", "HEAD")
    found = find_change("", branch)
    assert found == Change("HEAD~1", frozenset({Path("pipeline/lazy.py"), Path("README.md"), Path("new.py")}))


def test_a_commit_that_git_does_not_know_is_named(branch: Path) -> None:
    with pytest.raises(pytest.UsageError, match=r"--changed: git diff .*nowhere.*Name a commit: --changed=REF\."):
        find_change("nowhere", branch)


def test_what_is_chosen_is_said(repository: Path) -> None:
    change = Change("HEAD~1", frozenset({Path("pnfrec_core/words.py"), Path("README.md")}))
    assert choose(change, repository) == (
        [repository / "tests" / "test_lazy.py", repository / "tests" / "test_readme.py"],
        "--changed: 2 of 4 files of tests reach what has changed since HEAD~1: README.md, pnfrec_core/words.py.",
    )
    many = frozenset(Path(f"data/{number:02d}.csv") for number in range(10))
    chosen, said = choose(Change("x", many), repository)
    assert chosen == []
    assert said.endswith(
        ": 0 of 4 files of tests reach what has changed since x: "
        + ", ".join(f"data/{number:02d}.csv" for number in range(8))
        + " and 2 more."
    )


def test_where_nothing_has_changed_it_is_said(repository: Path) -> None:
    assert choose(Change("HEAD", frozenset()), repository) == (
        [],
        "--changed: 0 of 4 files of tests reach what has changed since HEAD: nothing has.",
    )
