"""Loading of versions: each attempt, what became of it, and when a version that failed is tried again."""

import logging
import time
from collections.abc import Callable, Container
from pathlib import Path
from typing import NamedTuple

from serving import folders, wire
from serving.slots import Failure, Load, Servable, VersionState

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A version that is ready to answer, and how many seconds its loading took."""

    servable: Servable
    seconds: float


class Attempts:
    """Loads versions, and remembers those that failed.

    Args:
        load: Makes a servable of a version's folder; raises if it cannot.
        try_again_seconds: Time until a version that failed is tried again although no file has changed; it doubles with
            each try.
        on_state: Is told what becomes of a version; returns whether that is news.
    """

    def __init__(self, load: Load, try_again_seconds: float, on_state: Callable[[VersionState], bool]) -> None:
        self._load = load
        self._try_again_seconds = try_again_seconds
        self._on_state = on_state
        self._failed: dict[int, Failure] = {}

    def load(self, version: int, folder: Path, serving: int | None) -> Loaded | None:
        """A version in memory that has answered a warm-up; None if it is not complete, or if it failed.

        Args:
            version: Its number.
            folder: Its folder.
            serving: The version that goes on serving where this one fails, for the log.
        """
        try:
            complete = folders.is_complete(folder)
        except OSError as error:
            # One folder that may not be read must not keep an older version from serving.
            self._refuse(version, error)
            return None
        if not complete:
            self._on_state(VersionState(version, "START"))
            return None
        fingerprint = folders.fingerprint_of(folder)
        before = self._failed.get(version)
        again = before is not None and before.fingerprint == fingerprint
        if before is not None and again and time.monotonic() - before.when < before.wait:
            return None
        self._on_state(VersionState(version, "LOADING"))
        began = time.monotonic()
        try:
            servable = self._load(folder, version)
            try:
                servable.warm_up()
            except BaseException:
                servable.close()
                raise
        except Exception as error:
            wait = before.wait * 2 if before is not None and again else self._try_again_seconds
            self._failed[version] = Failure(fingerprint, time.monotonic(), wait)
            number = getattr(error, "error_code", None)
            code = wire.code_name(number) if isinstance(number, int) else "INTERNAL"
            self._on_state(VersionState(version, "END", code, f"{type(error).__name__}: {error}"))
            kept = "no version" if serving is None else f"version {serving}"
            if again:
                logger.warning("Version %d still cannot be loaded: %s.", version, error)
            else:
                logger.exception("Version %d in %s cannot be loaded; %s keeps serving.", version, folder, kept)
            return None
        self._failed.pop(version, None)
        return Loaded(servable, time.monotonic() - began)

    def forget_absent(self, found: Container[int]) -> None:
        """Forgets the failures of versions that are not there any more."""
        for version in [version for version in self._failed if version not in found]:
            del self._failed[version]

    def _refuse(self, version: int, error: OSError) -> None:
        """Tells once that a version's folder cannot be read; it is looked at again every time."""
        code = "PERMISSION_DENIED" if isinstance(error, PermissionError) else "INTERNAL"
        if self._on_state(VersionState(version, "END", code, f"{type(error).__name__}: {error}")):
            logger.warning("Version %d cannot be read and is passed over: %s.", version, error)
