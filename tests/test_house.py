"""The rules of the house that a machine can see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = (
    "components",
    "datasets",
    "dev",
    "pipeline",
    "pnfrec_core",
    "pnfrec_data",
    "pnfrec_keras",
    "serving",
    "studies",
)
OTHERS = ("benchmarks", "tests")
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 60


def sources(*packages: str) -> list[Path]:
    return [file for package in packages for file in sorted((ROOT / package).rglob("*.py"))]


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with how many lines it has, those of its docstring left out."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield f"{file.relative_to(ROOT)}: {node.name}", lines


def test_each_package_has_sources() -> None:
    found = {file.relative_to(ROOT).parts[0] for file in sources(*LIBRARY, *OTHERS)}
    assert {"components", "pipeline", "pnfrec_core", "pnfrec_keras", "serving", "studies", "tests"} <= found


def test_no_file_is_longer_than_one_subject_needs() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_bytes().splitlines()) for file in sources(*LIBRARY, *OTHERS)}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


@pytest.mark.parametrize("package", LIBRARY)
def test_no_function_is_longer_than_a_screen(package: str) -> None:
    found = dict(each for file in sources(package) for each in functions(file))
    assert {name: lines for name, lines in found.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
