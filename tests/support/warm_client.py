"""What stands in the place of the interpreter for `tests.support.warm_python`: a small program, soon started."""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import NoReturn

# What is read when TensorFlow is imported: a call with another value needs an interpreter of its own.
READ_AT_IMPORT = ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND", "XLA_FLAGS", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS")
# tensorflow_transform sets it in whatever imports TFX, so in the process of the tests: nobody there has asked for it.
# In a fork, which this mark tells, it is what the program itself wants for a process of its own.
_SET_BY_IMPORT = "TF_USE_LEGACY_KERAS"
FORKED = "PNFREC_TESTS_FORKED"


def call(address: str, arguments: list[str]) -> NoReturn:
    """The client: has the server run it, and ends as that does."""
    if FORKED not in os.environ:
        os.environ.pop(_SET_BY_IMPORT, None)
        os.environ[FORKED] = "1"
    if any(name in os.environ for name in READ_AT_IMPORT) or not _understood(arguments):
        os.execv(sys.executable, [sys.executable, *arguments])
    files = list(_open_files())
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # A send takes what the buffer holds.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    server.connect(address)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: server.send(str(int(number)).encode()))
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd(), "files": files}
    socket.send_fds(server, [json.dumps(request).encode()], files)
    answer = server.recv(100)
    if not answer:
        sys.stderr.write("The process that others are forked from has ended; its log lies beside this program.\n")
        os._exit(1)
    status = int(answer)
    if status < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no other handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _understood(arguments: list[str]) -> bool:
    first = next((word for word in arguments if word != "-u"), "-")
    return first in ("-c", "-m") or not first.startswith("-")


def _open_files() -> Iterator[int]:
    """Numbers of the files that this process was given."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        with contextlib.suppress(OSError):
            if os.get_inheritable(number):
                yield number


if __name__ == "__main__":
    call(sys.argv[1], sys.argv[2:])
