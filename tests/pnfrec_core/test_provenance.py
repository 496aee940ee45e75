"""An edit or an upgrade must not go unnoticed by what is cached, nor must what is no matter make anything anew."""

import ast
import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.everything.origin import EVERYTHING
from components.feedback.origin import EXAMPLES
from components.gate.origin import EVALUATION
from components.gate.report.origin import REPORT
from components.refit import executor as refit
from components.refit.origin import REFIT
from components.trainer.origin import MODEL
from components.trainer.state import TRAINED
from components.tuner.origin import CHOICE
from pnfrec_core import provenance as module
from pnfrec_core.imports import PACKAGES, ROOT, Graph
from pnfrec_core.provenance import Code, data_digest, matches, result_name
from pnfrec_core.source import meaning
from studies.run import origin as studies

BY_BYTES = {
    "FeedbackGen": EXAMPLES,
    "Trainer": MODEL,
    "state of a training, and trial of the Tuner": TRAINED,
    "Tuner": CHOICE,
    "Evaluator": EVALUATION,
    "GateReporter": REPORT,
    "EverythingGen": EVERYTHING,
    "Refit": REFIT,
    "state of a refit": refit.TRAINED,
}
BY_SYNTAX = {
    "examples of a study": studies.EXAMPLES,
    "training of a study": studies.TRAINING,
    "trial of a study": studies.TRIAL,
}
CODES = {**BY_BYTES, **BY_SYNTAX}
GLOSSARY = "pnfrec_core/schema.py"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, in which they may be edited."""
    root = tmp_path_factory.mktemp("sources")
    for package in set(PACKAGES) - {"tests"}:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def reached(code: Code, root: Path = ROOT) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in Graph(root).closure(*code.modules)}


@contextlib.contextmanager
def edited(paths: Iterable[Path], addition: str) -> Iterator[None]:
    """Files with something added at their end; afterwards they are as they were, their times too."""
    before = {path: (path.read_text(encoding="utf-8"), path.stat()) for path in paths}
    for path, (text, _) in before.items():
        path.write_text(text + addition, encoding="utf-8")
    try:
        yield
    finally:
        for path, (text, state) in before.items():
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def unnoticed(code: Code, root: Path, addition: str) -> set[str]:
    """The reached files that may be edited by that and the digest stays."""
    # One graph for all: the edits import nothing.
    graph = Graph(root)
    before, found = code.digest(graph), set()
    for name, path in reached(code, root).items():
        with edited([path], addition):
            if code.digest(graph) == before:
                found.add(name)
    assert code.digest(graph) == before
    return found


@pytest.mark.parametrize("consumer", CODES)
def test_each_change_of_what_the_code_does_is_noticed(consumer: str, copy: Path) -> None:
    assert GLOSSARY in reached(CODES[consumer])
    assert unnoticed(CODES[consumer], copy, "\nEDITED = 1\n") == set()


@pytest.mark.parametrize("consumer", BY_BYTES)
def test_each_changed_comment_is_noticed_where_bytes_count(consumer: str, copy: Path) -> None:
    assert unnoticed(CODES[consumer], copy, "# edited\n") == set()


@pytest.mark.parametrize("consumer", BY_SYNTAX)
def test_no_changed_comment_is_noticed_where_syntax_counts(consumer: str, copy: Path) -> None:
    # Of a file that is no source, each byte counts.
    sources = {name for name in reached(CODES[consumer]) if name.endswith(".py")}
    assert unnoticed(CODES[consumer], copy, "# edited\n") == sources


@pytest.mark.parametrize("consumer", CODES)
def test_what_the_code_does_not_reach_is_no_matter(consumer: str, copy: Path) -> None:
    code = CODES[consumer]
    before = code.digest(Graph(copy))
    outside = set(copy.rglob("*.py")) - set(reached(code, copy).values())
    assert len(outside) > 50
    with edited(outside, "\nEDITED = 1\n"):
        assert code.digest(Graph(copy)) == before


@pytest.mark.parametrize("consumer", CODES)
def test_where_the_files_lie_is_no_matter(consumer: str, copy: Path) -> None:
    code = CODES[consumer]
    assert code.digest(Graph(copy)) == code.digest()
    assert dataclasses.replace(code, modules=code.modules[::-1]).digest() == code.digest()


@pytest.mark.tensorflow  # to look a module of Keras up imports Keras
@pytest.mark.parametrize("consumer", CODES)
def test_all_that_the_code_imports_is_among_its_sources(consumer: str) -> None:
    covered = set(reached(CODES[consumer]))
    imported = {name for file in covered if file.endswith(".py") for name in imports(ROOT / file)}
    assert imported - covered == set()


def test_a_changed_page_of_the_report_is_noticed(copy: Path) -> None:
    assert "components/gate/report/page.html" in reached(REPORT)
    assert "<!-- edited -->" not in (copy / "components/gate/report/page.html").read_text()
    assert unnoticed(REPORT, copy, "<!-- edited -->") == set()


def test_how_a_model_is_exported_and_drawn_is_no_matter_to_a_study() -> None:
    assert "pnfrec_keras/export/saved_model.py" in reached(MODEL)
    drawn = {"pnfrec_keras/export/saved_model.py", "studies/page/pictures.py", "studies/results/tables.py"}
    for code in (TRAINED, *BY_SYNTAX.values()):
        assert drawn & set(reached(code)) == set()
    network = "pnfrec_keras/network/model.py"
    assert network in reached(studies.TRAINING)
    assert network in reached(studies.TRIAL)


def test_a_module_that_comes_in_or_changes_its_name_is_noticed(tmp_path: Path) -> None:
    code = Code(("serving.a",))
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving/__init__.py").touch()
    (tmp_path / "serving/a.py").write_text("from serving import b\n")
    (tmp_path / "serving/b.py").touch()
    found = {code.digest(Graph(tmp_path))}
    (tmp_path / "serving/c.py").touch()
    found.add(code.digest(Graph(tmp_path)))
    assert len(found) == 1, "nobody imports it yet"
    (tmp_path / "serving/b.py").write_text("import serving.c\n")
    found.add(code.digest(Graph(tmp_path)))
    (tmp_path / "serving/c.py").write_text("x = 1\n")
    found.add(code.digest(Graph(tmp_path)))
    (tmp_path / "serving/c.py").rename(tmp_path / "serving/d.py")
    (tmp_path / "serving/b.py").write_text("import serving.d\n")
    found.add(code.digest(Graph(tmp_path)))
    assert len(found) == 4


def test_what_is_no_source_is_no_matter(copy: Path) -> None:
    before = EXAMPLES.digest(Graph(copy))
    (copy / "components/feedback/__pycache__").mkdir()
    (copy / "components/feedback/__pycache__/run.cpython-310.pyc").touch()
    assert EXAMPLES.digest(Graph(copy)) == before


def test_an_upgrade_is_noticed(monkeypatch: pytest.MonkeyPatch, copy: Path) -> None:
    def upgraded(name: str) -> str:
        """The digest of `MODEL` after an upgrade."""
        versions = {"pnfrec": "1", "keras": "1", "numpy": "1", "tensorflow": "1", name: "2"}
        monkeypatch.setattr(module, "metadata", SimpleNamespace(version=versions.__getitem__))
        return f"{MODEL.digest(Graph(copy))} {studies.TRAINING.digest(Graph(copy))}"

    for name in ("keras", "numpy", "tensorflow", "pnfrec"):
        plain, after = upgraded("").split(), upgraded(name).split()
        assert plain[0] != after[0], name
        # What is by syntax asks what the code does, not how its release is called.
        assert (plain[1] != after[1]) == (name != "pnfrec"), name


def test_a_library_that_is_not_installed_is_a_version_too() -> None:
    assert Code(("pnfrec_core.schema",), libraries=("no-such-library",)).digest()


def test_a_process_goes_on_with_the_code_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving/__init__.py").touch()
    (tmp_path / "serving/a.py").write_text("x = 1\n")
    graph = Graph(tmp_path)
    monkeypatch.setattr(module, "own_graph", lambda: graph)
    code = Code(("serving.a",), libraries=("numpy",))
    before = code.digest()
    (tmp_path / "serving/a.py").write_text("x = 2\n")
    assert code.digest() == before
    assert code.digest(Graph(tmp_path)) != before


@pytest.mark.parametrize("name", ["components.none", "components.feedback.none", "numpy"])
def test_a_module_that_is_not_there(copy: Path, name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"has no module '{name}'"):
        Code((name,)).digest(Graph(copy))


def test_only_what_code_does_is_its_meaning() -> None:
    plain = "def f(x):\n    return x + 1\n"
    documented = '"""Of f."""\n\ndef f(x):\n    """Adds."""\n    return (x + 1)  # one\n'
    assert meaning(plain) == meaning(documented)
    assert meaning(plain) != meaning(plain.replace("1", "2"))
    assert meaning("x = 'a'\n'b'\n") != meaning("x = 'a'\n")


def test_data_goes_by_what_files_hold(tmp_path: Path) -> None:
    first, second, other = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    first.write_text("u,i,1\n")
    second.write_text("u,i,2\n")
    before = data_digest([first, second])
    shutil.copy(first, other)
    assert data_digest([other, second]) == before, "names and times are no matter"
    assert data_digest([str(first), str(second)]) == before
    assert data_digest([second, first]) != before, "order is"
    assert data_digest([first]) != before
    time = first.stat().st_mtime_ns
    first.write_text("u,i,3\n")
    os.utime(first, ns=(time + 1, time + 1))
    assert data_digest([first, second]) != before, "as long, and within the same second"


def test_data_that_is_elsewhere_or_missing_goes_by_its_name(tmp_path: Path) -> None:
    remote = [f"gs://bucket/{name}.csv" for name in "ab"]
    assert len({data_digest([name]) for name in (*remote, f"{tmp_path}/a.csv", f"{tmp_path}/b.csv")}) == 4
    (tmp_path / "a.csv").touch()
    assert matches([*remote, str(tmp_path / "none*"), str(tmp_path / "*.csv"), str(tmp_path / "**" / "a.csv")]) == [
        *(str(tmp_path / "a.csv"), str(tmp_path / "none*"), *remote),
    ]


def test_code_data_and_settings_make_the_name_of_a_result() -> None:
    parts: dict[str, Any] = {"code": "c", "data": "d", "settings": {"x": 1, "y": [2]}}
    name = result_name(**parts)
    assert result_name(code="c", data="d", settings={"y": [2], "x": 1}) == name
    for part, value in {"code": "d", "data": "c", "settings": {"x": 1, "y": [3]}}.items():
        assert result_name(**{**parts, part: value}) != name


def imports(file: Path) -> Iterator[str]:
    """The modules of this project that a file imports, as files; what is for types alone is never imported."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            block.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            path = name.replace(".", "/") + ".py"
            if (ROOT / path).is_file():
                yield path
