"""What the watcher of versions keeps of each: what serves, its state, and why it failed."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from serving import folders
from serving.calls import Call


class Servable(Protocol):
    """What a version has to offer: `serving.model.LoadedModel`."""

    signatures: Any

    def warm_up(self) -> None: ...

    def predict(
        self, signature_name: str, inputs: Any, output_filter: Any = (), call: Call = ...
    ) -> dict[str, Any]: ...

    # One whose calls need no thread to wait in has `begin` as well, and one that holds requests to the limits where it
    # reads them says so by `checks_inputs`, as `LoadedModel` does both.

    def close(self) -> None:
        """Gives its memory back; no call of it runs any more."""


Load = Callable[[Path, int], Servable]


class Failure(NamedTuple):
    """A load that failed: of which files, when, and after how many seconds it is tried again."""

    fingerprint: folders.Fingerprint
    when: float
    wait: float


@dataclasses.dataclass(frozen=True)
class VersionState:
    """A row of GetModelStatus: `state` and `error_code` are names of `wire`'s enums."""

    version: int
    state: str
    error_code: str = "OK"
    error: str = ""


@dataclasses.dataclass
class Slot:
    """A version in memory, and how many requests run on it."""

    version: int
    servable: Servable
    users: int = 0
    retired: bool = False
