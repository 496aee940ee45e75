"""Runs programs of this package one after the other in one process, each of which would import TensorFlow for itself.

python -m serving.programs

Each line of the input names one: a list of its module and its arguments, as JSON. The answer is a line too: the last
one that the program writes. Whatever else is written in this process goes to the standard error.
"""

import contextlib
import importlib
import io
import json
import os
import sys
from typing import TextIO


def main() -> None:
    """The program: it ends where its input ends, or where a program breaks off without an answer."""
    with _answers() as answers:
        for line in sys.stdin:
            module, *arguments = json.loads(line)
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
                importlib.import_module(module).main(arguments)
            answers.write(said.getvalue().splitlines()[-1] + "\n")
            answers.flush()


def _answers() -> TextIO:
    """The standard output, which libraries below Python are kept from from now on."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


if __name__ == "__main__":
    main()
