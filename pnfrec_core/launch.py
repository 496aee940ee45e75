"""Starts programs of this project so that nothing is imported from the folder in which they are called.

That folder is the user's own, and may well hold a `pipeline.py` or a folder `serving`. Python looks there first for
`python -m` and `python -c`, and wherever an entry of PYTHONPATH is empty, as in `PYTHONPATH=$PYTHONPATH:/opt/x`. So a
process of ours is started by the path of this file, which then runs a module: see `command`.

Only what every interpreter has loaded anyway is imported here: this runs before the import paths are in order.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

# The packages that are installed. They come from beside this one, wherever else their names are found.
PACKAGES = (
    *(
        "components",
        "pipeline",
        "pnfrec_artifacts",
        "pnfrec_columns",
        "pnfrec_core",
        "pnfrec_data",
        "pnfrec_keras",
        "pnfrec_start",
    ),
    *("serving", "studies"),
)
_HERE = os.path.dirname(os.path.realpath(__file__))
_ROOT = os.path.dirname(_HERE)
_PYTHONPATH = "PYTHONPATH"


def command(module: str, *arguments: str, unbuffered: bool = False) -> list[str]:
    """The command line of a process that runs a module of this project as a program.

    Args:
        module: Dotted name.
        arguments: What the program gets.
        unbuffered: Whether what it prints comes at once.
    """
    return [sys.executable, *(["-u"] if unbuffered else []), os.path.realpath(__file__), module, *arguments]


def keep_out_working_folder() -> None:
    """Takes the working folder out of the import paths, of this process and of those that it starts.

    A worker that a library starts with `python -m` still looks into its own working folder where Python is older than
    3.11; who starts such workers has to stand in another folder.
    """
    if not any(isinstance(finder, _OurPackages) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OurPackages())
    # Read by Python 3.11 and newer.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        working = os.path.realpath(os.getcwd())
    except FileNotFoundError:  # removed meanwhile
        return
    named = os.environ.get(_PYTHONPATH, "").split(os.pathsep)
    # The standard library is no part of PYTHONPATH, and may be where somebody stands.
    foreign = {"", ".", *map(os.path.abspath, named)} - {os.path.dirname(os.__file__)}
    sys.path[:] = [path for path in sys.path if path not in foreign or _real(path) != working]
    if _PYTHONPATH in os.environ:
        os.environ[_PYTHONPATH] = os.pathsep.join(entry for entry in named if entry and _real(entry) != working)


def _real(path: str) -> str:
    return os.path.realpath(path or os.curdir)


class _OurPackages:
    """Finds this project's packages beside this one, before any path is looked at."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The package of that name; None where it is not ours, or not here."""
        del path
        return PathFinder.find_spec(name, [_ROOT], target) if name in PACKAGES else None


def main() -> None:
    """Runs the module that the first argument names, with the others."""
    # The folder of a program comes first in the import paths, and is a package's here.
    sys.path[:] = [path for path in sys.path if not os.path.isabs(path) or os.path.realpath(path) != _HERE]
    keep_out_working_folder()
    import runpy

    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
