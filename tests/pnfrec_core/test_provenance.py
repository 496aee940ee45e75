"""An edit or an upgrade must not go unnoticed by what is cached."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.feedback import component as feedback
from components.gate.report import component as gate_report
from components.trainer import executor as trainer
from components.tuner import executor as tuner
from pnfrec_core import provenance as module
from pnfrec_core.provenance import code_version, source_files

ROOT = Path(module.__file__).parents[1]
SOURCES = {
    "FeedbackGen": feedback.SOURCES,
    "GateReporter": gate_report.SOURCES,
    "SequenceTuner": tuner.SOURCES,
    "SequenceTrainer": trainer.SOURCES,
}
# Names of artifact types, and the digest itself.
NO_MATTER = {"components/artifacts.py", "pnfrec_core/provenance.py"}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources of FeedbackGen, in which they may be edited."""
    for file in source_files(*feedback.SOURCES):
        to = tmp_path / file.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("copy")
def test_where_the_files_lie_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = code_version(*feedback.SOURCES)
    monkeypatch.setattr(module, "_ROOT", ROOT)
    assert code_version(*feedback.SOURCES) == elsewhere
    assert code_version(*reversed(feedback.SOURCES)) == elsewhere


def test_each_edit_is_noticed(copy: Path) -> None:
    found = {code_version(*feedback.SOURCES)}
    for name in ("components/feedback/reading/columns.py", "pnfrec_core/schema.py"):
        (copy / name).write_text((copy / name).read_text() + "# edited\n")
        found.add(code_version(*feedback.SOURCES))
    (copy / "components/feedback/new.py").touch()
    found.add(code_version(*feedback.SOURCES))
    (copy / "components/feedback/new.py").rename(copy / "components/feedback/renamed.py")
    found.add(code_version(*feedback.SOURCES))
    assert len(found) == 5


def test_what_is_no_source_is_no_matter(copy: Path) -> None:
    before = code_version(*feedback.SOURCES)
    (copy / "components/feedback/__pycache__").mkdir()
    (copy / "components/feedback/__pycache__/decode.cpython-310.pyc").touch()
    assert code_version(*feedback.SOURCES) == before


def test_an_upgrade_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_version("pnfrec_core/schema.py")
    monkeypatch.setattr(module, "metadata", SimpleNamespace(version=lambda _: "99"))
    assert code_version("pnfrec_core/schema.py") != before


@pytest.mark.parametrize("source", ["components/none.py", "components/empty"])
def test_a_source_that_is_not_there(copy: Path, source: str) -> None:
    (copy / "components/empty").mkdir()
    with pytest.raises(FileNotFoundError, match=source):
        code_version(source)


@pytest.mark.parametrize("component", SOURCES)
def test_all_that_a_component_imports_is_among_its_sources(component: str) -> None:
    covered = {file.relative_to(ROOT).as_posix() for file in source_files(*SOURCES[component])}
    imported = {name for file in covered if file.endswith(".py") for name in imports(ROOT / file)}
    assert imported - covered - NO_MATTER == set()
    assert "pnfrec_core/schema.py" in imported


def imports(file: Path) -> Iterator[str]:
    """The modules of this project that a file imports, as files."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            path = name.replace(".", "/") + ".py"
            if (ROOT / path).is_file():
                yield path
