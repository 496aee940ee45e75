"""Waiting for another process in the main thread, which looks for signals twice a second.

A signal that comes just as a wait begins, or in another thread, does not end it, and its handler runs in the main
thread alone: without these looks Ctrl-C would be obeyed no sooner than at the next word of the other process.
"""

import os
import select
import subprocess
from collections.abc import Iterator
from typing import IO, Final

_SECONDS: Final = 0.5


def lines(pipe: IO[bytes]) -> Iterator[str]:
    """The lines of a pipe, without their ends, until its writers have closed it. No buffer: read nothing else of it."""
    rest = b""
    part = b"\n"
    while part:
        if not select.select([pipe], [], [], _SECONDS)[0]:
            continue
        part = os.read(pipe.fileno(), 1 << 16)
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode() for line in whole)
    if rest:
        yield rest.decode()


def wait(process: "subprocess.Popen[bytes]") -> int:
    """The status that a process ends with."""
    while True:
        try:
            return process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            continue
