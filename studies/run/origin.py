"""What a result comes from beside its settings: the data and the code. Other ones are another trial, and train anew."""

import ast
import functools
import glob
import hashlib
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# Whatever decides a number: examples, network, training, ranking, and how a trial joins them. Not how it is exported.
_SOURCES = (
    "components/feedback",
    "pnfrec_core/schema.py",
    "pnfrec_core/measures.py",
    "pnfrec_core/variants.py",
    "pnfrec_keras",
    "studies/results/bootstrap.py",  # chooses gamma
    "studies/run/inference.py",
    "studies/run/trained.py",
    "studies/run/trial.py",
)
_NO_MATTER = ("pnfrec_keras/export/", "pnfrec_keras/examples/frames.py")
_LIBRARIES = ("tensorflow", "keras", "numpy")
_READ_BYTES = 1 << 22


@functools.cache
def code_digest() -> str:
    """Digest of the code that decides numbers, without its comments, docstrings and layout, and of its libraries."""
    digest = hashlib.sha256(" ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES).encode())
    for source in _SOURCES:
        path = _ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            name = file.relative_to(_ROOT).as_posix()
            if not name.startswith(_NO_MATTER):
                digest.update(f"{name} {meaning(file.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def meaning(source: str) -> str:
    """Python source as its syntax tree, which comments, docstrings and layout do not change."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            del node.body[: ast.get_docstring(node) is not None]
    return ast.dump(tree)


def data_digest(base: str, patterns: tuple[str, ...]) -> str:
    """Digest of what the feedback files hold, wherever they lie; a missing one is left to FeedbackGen to name."""
    files = sorted({file for each in patterns for file in glob.glob(str(Path(base, each)), recursive=True)})
    facts = [_content(file, Path(file).stat().st_mtime_ns) for file in files if Path(file).is_file()]
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()


@functools.cache
def _content(file: str, modified: int) -> str:
    del modified  # of the cache's key
    digest = hashlib.sha256()
    with Path(file).open("rb") as stream:
        while part := stream.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
