"""Follows the folder that a pipeline pushes to: which version serves, and when the next one takes over.

A version is a folder with a number for a name and a `saved_model.pb` in it; the pusher writes that file last. The
newest that loads and answers a warm-up request serves. Requests that run on the old version finish on it; then it is
dropped.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from serving import errors, folders, wire
from serving.slots import Failure, Load, Servable, Slot, VersionState

logger = logging.getLogger(__name__)

__all__ = ["Load", "Servable", "VersionState", "VersionWatcher"]

_ENDED_KEPT = 10
# A fault of the disk may pass without any file's changing, so that a failed load is tried again after so long, and then
# each time after twice as long: TensorFlow keeps some memory of every load.
_TRY_AGAIN_SECONDS = 60.0


class VersionWatcher:
    """Keeps the newest usable version of `base` loaded.

    Args:
        base: Holds a folder a version. It may appear later.
        load: Makes a servable of a version's folder; raises if it cannot.
        poll_seconds: Time between two looks at the folder.
        try_again_seconds: Time until a version that failed to load is tried again although no file has changed; it
            doubles with each try.
        on_change: Is told, in the thread that changed it, which version serves from now on; None where none does.
    """

    def __init__(
        self,
        base: Path,
        load: Load,
        poll_seconds: float = 2.0,
        try_again_seconds: float = _TRY_AGAIN_SECONDS,
        on_change: Callable[[int | None], None] | None = None,
    ) -> None:
        if poll_seconds <= 0:
            msg = f"`poll_seconds` must be above 0. Received: {poll_seconds}."
            raise ValueError(msg)
        self.base = base
        self._load = load
        self._poll_seconds = poll_seconds
        self._try_again_seconds = try_again_seconds
        self._lock = threading.Lock()
        self._current: Slot | None = None
        self._states: dict[int, VersionState] = {}
        self._failed: dict[int, Failure] = {}
        self._listing_error = ""
        self._on_change = on_change
        self._ended: list[Slot] = []
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def version(self) -> int | None:
        """The version that serves, None while there is none."""
        with self._lock:
            return None if self._current is None else self._current.version

    def states(self) -> list[VersionState]:
        """Every version known, the newest first."""
        with self._lock:
            return [self._states[version] for version in sorted(self._states, reverse=True)]

    def start(self) -> None:
        """Looks at the folder once, which loads a version that is there, and from then on in a thread."""
        self._poll_safely()
        self._thread = threading.Thread(target=self._run, name="pnfrec-versions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a load that runs is waited for. The version stays until its requests are done."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._retire_current()
        self._close_ended()

    @contextlib.contextmanager
    def lease(self, model_name: str, version: int | None = None) -> Iterator[tuple[int, Servable]]:
        """The version that serves, kept in memory until the block ends.

        Args:
            model_name: For the error message.
            version: The caller accepts only this one.

        Raises:
            RequestFault: NOT_FOUND if `version` does not serve, UNAVAILABLE if none does.
        """
        with self._lock:
            slot = self._current
            if version is not None and (slot is None or slot.version != version):
                msg = f"Servable not found for request: Specific({model_name}, {version})"
                raise errors.RequestFault(errors.NOT_FOUND, msg)
            if slot is None:
                msg = f"No version of model {model_name} is loaded yet: waiting for one in {self.base}."
                raise errors.RequestFault(errors.UNAVAILABLE, msg, wire.REASON_NO_VERSION)
            slot.users += 1
        try:
            yield slot.version, slot.servable
        finally:
            with self._lock:
                slot.users -= 1
                self._end_if_idle(slot)

    def poll(self) -> None:
        """Looks at the folder once: loads the newest version that can be loaded, falls back to an older one if need be.

        A missing or unreadable base folder changes nothing, since it may be a mount that comes back. An empty one
        unloads the model, as in TensorFlow Serving.
        """
        found = self._list()
        if found is None:
            return
        self._forget_absent(found)
        current = self.version
        for version in sorted(found, reverse=True):
            if version == current or self._try(version, found[version]):
                return
        if not found and current is not None:
            logger.warning("All versions in %s are gone: nothing is served until one arrives.", self.base)
            self._retire_current()

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stopping:
            # Woken before it is time to look where a version has ended.
            woken = self._wake.wait(max(0.0, looked + self._poll_seconds - time.monotonic()))
            self._wake.clear()
            if woken:
                self._close_ended()
            elif not self._stopping:
                self._poll_safely()
                looked = time.monotonic()

    def _poll_safely(self) -> None:
        try:
            self.poll()
        except Exception:
            logger.exception("Looking at %s failed; the version that serves stays.", self.base)
        self._close_ended()

    def _close_ended(self) -> None:
        """Frees what no request runs on any more: in this thread, so that no request waits for it."""
        with self._lock:
            ended, self._ended = self._ended, []
        for slot in ended:
            try:
                slot.servable.close()
            except Exception:
                logger.exception("Version %d could not be closed; its memory may stay in use.", slot.version)

    def _list(self) -> dict[int, Path] | None:
        """Version folders by number, or None if the base cannot be read."""
        try:
            found = folders.version_folders(self.base)
        except OSError as error:
            if str(error) != self._listing_error:
                logger.warning("Cannot read the model folder: %s. Looking again every %g s.", error, self._poll_seconds)
            self._listing_error = str(error)
            return None
        self._listing_error = ""
        return found

    def _try(self, version: int, folder: Path) -> bool:
        """Loads a version and lets it take over. False if it is not complete, or if it failed."""
        try:
            complete = folders.is_complete(folder)
        except OSError as error:
            # One folder that may not be read must not keep an older version from serving.
            self._refuse(version, error)
            return False
        if not complete:
            self._set(VersionState(version, "START"))
            return False
        fingerprint = folders.fingerprint_of(folder)
        before = self._failed.get(version)
        again = before is not None and before.fingerprint == fingerprint
        if before is not None and again and time.monotonic() - before.when < before.wait:
            return False
        self._set(VersionState(version, "LOADING"))
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
            self._set(VersionState(version, "END", code, f"{type(error).__name__}: {error}"))
            kept = "no version" if self.version is None else f"version {self.version}"
            if again:
                logger.warning("Version %d still cannot be loaded: %s.", version, error)
            else:
                logger.exception("Version %d in %s cannot be loaded; %s keeps serving.", version, folder, kept)
            return False
        self._failed.pop(version, None)
        self._take_over(Slot(version, servable))
        logger.info("Serving version %d from %s (loaded in %.1f s).", version, folder, time.monotonic() - began)
        return True

    def _refuse(self, version: int, error: OSError) -> None:
        """Tells once that a version's folder cannot be read; it is looked at again every time."""
        code = "PERMISSION_DENIED" if isinstance(error, PermissionError) else "INTERNAL"
        state = VersionState(version, "END", code, f"{type(error).__name__}: {error}")
        with self._lock:
            known = self._states.get(version)
            self._states[version] = state
        if known != state:
            logger.warning("Version %d cannot be read and is passed over: %s.", version, error)

    def _take_over(self, slot: Slot) -> None:
        with self._lock:
            old, self._current = self._current, slot
            self._states[slot.version] = VersionState(slot.version, "AVAILABLE")
            self._retire(old)
        self._tell(slot.version)

    def _retire_current(self) -> None:
        with self._lock:
            old, self._current = self._current, None
            self._retire(old)
        if old is not None:
            self._tell(None)

    def _tell(self, version: int | None) -> None:
        if self._on_change is not None:
            self._on_change(version)

    def _retire(self, slot: Slot | None) -> None:
        """Under the lock: no new request gets this version."""
        if slot is not None:
            slot.retired = True
            self._states[slot.version] = VersionState(slot.version, "UNLOADING")
            self._end_if_idle(slot)

    def _end_if_idle(self, slot: Slot) -> None:
        """Under the lock: the last request on a retired version ends it."""
        if not slot.retired or slot.users:
            return
        self._ended.append(slot)
        self._wake.set()
        # The version may have been loaded again since; then the state is that of the new copy.
        if self._states.get(slot.version) == VersionState(slot.version, "UNLOADING"):
            self._states[slot.version] = VersionState(slot.version, "END")
            logger.info("Unloaded version %d.", slot.version)
            ended = sorted(version for version, state in self._states.items() if state.state == "END")
            for version in ended[:-_ENDED_KEPT]:
                del self._states[version]

    def _set(self, state: VersionState) -> None:
        with self._lock:
            self._states[state.version] = state

    def _forget_absent(self, found: dict[int, Path]) -> None:
        """A version that was never loaded leaves no trace when its folder goes."""
        with self._lock:
            for version in [version for version in self._failed if version not in found]:
                del self._failed[version]
                self._states.pop(version, None)
            for version, state in list(self._states.items()):
                if (state.state == "START" or state.error) and version not in found:
                    del self._states[version]
