"""What processes that are about to train together tell one another of themselves, and how two of them differ.

It is told before TensorFlow joins them: of other versions it says nothing, and waits, or trains something else.
"""

import contextlib
import json
import platform
import socket
import threading
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Final

from pnfrec_core.provenance import Code
from pnfrec_keras.training.cluster import Task

FactsByName = dict[str, str]

_MARK: Final = b"pnfrec "
_PATIENCE: Final = 1.0  # seconds for the other side to speak: TensorFlow does not
_LONGEST: Final = 1 << 20
_LIBRARIES: Final = {"TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy", "pnfrec": "pnfrec"}
_CODE: Final = Code(("pnfrec_keras.training.fitting", "pnfrec_keras.training.refitting"), by="syntax")


class DifferentWorkersError(ValueError):
    """Two processes that are to train one model differ in what decides about it."""


def facts_of(task: Task) -> FactsByName:
    """What has to be the same in all processes before a model is made: versions, the code, and who takes part."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name, distribution in _LIBRARIES.items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(distribution)
    members = ", ".join(f"{kind} {address}" for kind, _, address in task.members)
    return {**found, "the code of pnfrec_keras": _CODE.digest()[:12], "the cluster of TF_CONFIG": members}


def differences(mine: Mapping[str, str], its: Mapping[str, str]) -> str:
    """What is not alike, with both values; "" where all is.

    Args:
        mine: Of one process.
        its: Of another.
    """
    names = [name for name in {**mine, **its} if mine.get(name) != its.get(name)]
    return "; ".join(f"{name}: {mine.get(name, 'none')} here, {its.get(name, 'none')} there" for name in names)


class Greeter:
    """Answers whoever connects with the facts of this process, and keeps what was told.

    Args:
        listener: Of the address of this process.
        task: This process.
        facts: Its own.

    Attributes:
        told: The facts of others, by their rank.
    """

    def __init__(self, listener: socket.socket, task: Task, facts: FactsByName) -> None:
        self.told: dict[int, FactsByName] = {}
        self._listener = listener
        self._said = _MARK + json.dumps([task.rank, facts]).encode() + b"\n"
        self._ends = threading.Event()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """For as long as the context lasts."""
        self._listener.settimeout(0.1)
        thread = threading.Thread(target=self._answer, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends.set()
            thread.join()

    def meet(self, host: str, port: int, patience: float) -> None:
        """Exchanges facts with who listens there. TensorFlow, which is there already, tells none.

        Raises:
            OSError: Nobody listens.
        """
        with socket.create_connection((host, port), timeout=patience) as other:
            self._exchange(other)

    def _answer(self) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(OSError):
                other, _ = self._listener.accept()
                with other:
                    self._exchange(other)

    def _exchange(self, other: socket.socket) -> None:
        """Says and hears; whoever says nothing, or something else, is left alone."""
        other.settimeout(_PATIENCE)
        heard = b""
        with contextlib.suppress(OSError):
            other.sendall(self._said)
            while not heard.endswith(b"\n") and len(heard) < _LONGEST and _MARK.startswith(heard[: len(_MARK)]):
                if not (part := other.recv(1 << 16)):
                    break
                heard += part
        if heard.startswith(_MARK) and heard.endswith(b"\n"):
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                rank, facts = json.loads(heard.removeprefix(_MARK))
                self.told[int(rank)] = {str(name): str(value) for name, value in facts.items()}
