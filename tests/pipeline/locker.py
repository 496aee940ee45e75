"""A program that locks a database."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Locks a database in one of SQLite's ways, says so, and waits for its standard input to end.
LOCKER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(sys.argv[2])
if sys.argv[2] == "BEGIN":
    database.execute("SELECT * FROM artifact").fetchone()
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(path: Path, statement: str = "BEGIN EXCLUSIVE") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", LOCKER, str(path), statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()
