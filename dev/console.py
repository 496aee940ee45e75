"""What the tools say, and how they run other programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 20
# What a log says -> what to do about it; the first that matches is told.
REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Python\.h: No such file"), "The C headers of this Python are missing: apt install {dev}"),
    (
        re.compile(r"No such file or directory: '[^']*(?:\+\+|cc|clang)'|unable to execute '?\S*(?:\+\+|cc|clang)"),
        "A C++ compiler is missing, and some packages have no wheel: apt install g++ {dev}",
    ),
    (re.compile(r"No space left on device"), "The disk is full; an environment needs about 3 GB."),
    (
        re.compile(r"hash(?:es)? mismatch|do not match the hashes", re.IGNORECASE),
        "A package is not the file that was pinned: see CONTRIBUTING.md, Pin files.",
    ),
    (
        re.compile(
            r"dns error|failed to lookup address|name resolution|connection refused|timed out|network is unreachable|"
            r"error sending request|failed to fetch|no matching distribution",
            re.IGNORECASE,
        ),
        "The package index was not reached, or lacks the pinned version: check the network, PIP_INDEX_URL and proxies.",
    ),
)


class SetupError(Exception):
    """Something that the user has to mend; the message says what and how."""


def say(text: str) -> None:
    """Writes a line to standard error: standard output belongs to the command that is run."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run_logged(
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str],
    failure: str,
    dev_package: str = "python3-dev",
    cwd: Path | None = None,
) -> None:
    """Runs `command` with its output appended to `log`.

    Raises:
        SetupError: It failed; the message is `failure`, what probably helps, and the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"$ {' '.join(shlex.quote(part) for part in command)}\n".encode())
        output.flush()
        start = output.tell()
        try:
            # close_fds: the lock of dev.environment is to be inherited.
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env),
                cwd=cwd,
                close_fds=False,
                check=False,
            ).returncode
        except OSError as error:
            msg = f"{failure}\n  {command[0]}: {error.strerror}"
            raise SetupError(msg) from error
    if code:
        with log.open("rb") as written:
            written.seek(start)
            text = written.read().decode("utf-8", "replace")
        raise SetupError(explain(failure, text, log, dev_package))


def explain(failure: str, text: str, log: Path, dev_package: str = "python3-dev") -> str:
    """The message for a failed program: what failed, the likely remedy, the end of its output."""
    remedies = [remedy.format(dev=dev_package) for pattern, remedy in REMEDIES if pattern.search(text)]
    end = "\n".join(f"  | {line}" for line in text.rstrip().splitlines()[-TAIL_LINES:])
    return "\n".join([failure, *(f"  {remedy}" for remedy in remedies[:1]), end, f"  The whole log: {log}"])
