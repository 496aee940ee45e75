"""Programs that stand in for interpreters, pip and uv."""

import json
from pathlib import Path


def write_program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def write_python(
    path: Path, version: tuple[int, int, int], headers: bool = True, usable: bool = True, base: Path | None = None
) -> Path:
    """A program that answers `dev.pythons.PROBE` as an interpreter of this version would."""
    answer = {"path": str(base or path), "version": list(version), "headers": headers, "usable": usable}
    return write_program(path, f"echo '{json.dumps(answer)}'")
