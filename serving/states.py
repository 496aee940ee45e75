"""What GetModelStatus tells: the state of each version that is known."""

import threading
from collections.abc import Container
from typing import Final

from serving.slots import VersionState

_ENDED_KEPT: Final = 10


class States:
    """The states of the versions of one model. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[int, VersionState] = {}

    def all(self) -> list[VersionState]:
        """Every version known, the newest first."""
        with self._lock:
            return [self._states[version] for version in sorted(self._states, reverse=True)]

    def set(self, state: VersionState) -> bool:
        """Keeps the state of a version; whether it is news."""
        with self._lock:
            before = self._states.get(state.version)
            self._states[state.version] = state
        return before != state

    def end(self, version: int) -> bool:
        """A version that was unloading has ended; False where it was loaded again since, whose state counts.

        The last ten that ended are remembered.
        """
        with self._lock:
            if self._states.get(version) != VersionState(version, "UNLOADING"):
                return False
            self._states[version] = VersionState(version, "END")
            ended = sorted(version for version, state in self._states.items() if state.state == "END")
            for each in ended[:-_ENDED_KEPT]:
                del self._states[each]
        return True

    def forget(self, found: Container[int]) -> None:
        """A version that was never loaded leaves no trace when its folder goes.

        Args:
            found: The versions that are there.
        """
        with self._lock:
            for version, state in list(self._states.items()):
                if version not in found and (state.state == "START" or state.error):
                    del self._states[version]
