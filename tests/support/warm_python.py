"""Python for tests that has TFX imported already: `python ARGUMENTS`, half a minute sooner.

A server imports TensorFlow and TFX once, and is forked for each call; it runs nothing itself, as `studies.run.forked`
explains. A small client stands in the place of the interpreter: it sends its arguments, environment, working folder and
open files to the server, waits, and ends with the same status. What a fork starts with `sys.executable` comes to the
server again. A client that is killed takes its fork along; one that is asked to end (SIGTERM, SIGINT) hands that on.

Not for claims about the imports themselves: there `sys.executable` of the test is right.
"""

import fcntl
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SERVER, CLIENT = FOLDER / "warm_server.py", FOLDER / "warm_client.py"


class WarmPython:
    """The interpreter's stand-in, for as long as the context lasts.

    All that name the same folder share one server, which ends with the last of them.

    Args:
        folder: Where they meet.

    Attributes:
        executable: What is called in the place of `sys.executable`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.executable = str(folder / "python")

    def __enter__(self) -> "WarmPython":
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self._hold()
            if held is None:
                self._start()
                held = self._hold()
            assert held is not None
        self._held = held
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _hold(self) -> socket.socket | None:
        """A connection that keeps the server alive; None where there is none."""
        place = self._folder / "socket"
        held = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            held.connect(place.read_text(encoding="utf-8"))
            held.send(b"hold")
        except OSError:
            held.close()
            return None
        return held

    def _start(self) -> None:
        # A path of a socket has 100 letters at most.
        address = os.path.join(tempfile.mkdtemp(prefix="warm-"), "s")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(address)
        listening.listen(16)
        (self._folder / "socket").write_text(address, encoding="utf-8")
        command = [sys.executable, str(SERVER), address, self.executable]
        words = " ".join(map(shlex.quote, [sys.executable, "-S", "-E", str(CLIENT), address]))
        Path(self.executable).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        Path(self.executable).chmod(0o755)
        with listening, (self._folder / "log").open("ab") as log:
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "1", "LISTEN": str(listening.fileno())}
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=FOLDER.parents[1],
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
