"""Imports the modules that it is given and prints how that went: `python -m pipeline.import_check tensorflow tfx.v1`.

A process of its own, so that a module that aborts the interpreter does not take `pnfrec doctor` with it.
"""

import importlib
import os
import sys
import time
from collections.abc import Sequence

import click


def attempt(module: str) -> tuple[bool, str]:
    """Whether `module` can be imported, and a line that says so."""
    start = time.monotonic()
    try:
        importlib.import_module(module)
    except Exception as error:
        return False, f"{module}: cannot be imported: {type(error).__name__}: {error}"
    return True, f"{module}: imported in {time.monotonic() - start:.1f} s"


def main(modules: Sequence[str]) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # tensorflow-recommenders cannot be imported without it.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    done = True
    for module in modules:
        imported, line = attempt(module)
        done = done and imported
        click.echo(line)
        sys.stdout.flush()
    if "tensorflow" in sys.modules:
        devices = sys.modules["tensorflow"].config.list_physical_devices()
        click.echo(f"TensorFlow sees {', '.join(device.name for device in devices)}")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
