"""Follows the folder that a pipeline pushes to: which versions are loaded, and which answers whom.

A version is a folder with a number for a name and a `saved_model.pb` in it; the pusher writes that file last. Whoever
asks for no version gets the pinned one, or else the newest that loads, answers a warm-up request and is not bad.
Requests that run on a version finish on it; then it is dropped.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from pnfrec_core.model_marks import CANARY
from serving import errors, wire
from serving.attempts import Attempts
from serving.looks import FolderReader, MarksReader, Planner
from serving.policy import Plan, Policy, labels_meanwhile, wants_canary
from serving.slots import Load, Servable, Slot, VersionState
from serving.states import States

logger = logging.getLogger(__name__)
__all__ = ["Load", "Servable", "VersionState", "VersionWatcher"]

# A fault of the disk may pass without a file's changing. TensorFlow keeps some memory of every load: see Attempts.
_TRY_AGAIN_SECONDS = 60.0


class VersionWatcher:
    """Keeps the versions of `base` loaded that the marks beside them and the policy ask for.

    Args:
        base: Holds a folder a version. It may appear later.
        load: Makes a servable of a version's folder; raises if it cannot.
        poll_seconds: Time between two looks at the folder.
        try_again_seconds: Time until a version that failed to load is tried again although no file has changed; it
            doubles with each try.
        on_change: Is told, in the thread that changed it, which version answers whoever asks for none from now on; None
            where none does.
        policy: Tells what the settings say about versions, at each look.
    """

    def __init__(
        self,
        base: Path,
        load: Load,
        poll_seconds: float = 2.0,
        try_again_seconds: float = _TRY_AGAIN_SECONDS,
        on_change: Callable[[int | None], None] | None = None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        if poll_seconds <= 0:
            msg = f"`poll_seconds` must be above 0. Received: {poll_seconds}."
            raise ValueError(msg)
        self.base = base
        self._planner = Planner(base, policy)
        self._folder = FolderReader(base, poll_seconds)
        self._marks = MarksReader(base)
        self._poll_seconds = poll_seconds
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._slots: dict[int, Slot] = {}
        self._serving: int | None = None
        self._labels: dict[str, int] = {}
        self._canary_share = 0.0
        self._states = States()
        self._attempts = Attempts(load, try_again_seconds, self._states.set)
        self._kept_bad: int | None = None
        self._on_change = on_change or (lambda _: None)
        self._ended: list[Slot] = []
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def version(self) -> int | None:
        """The version that answers whoever asks for none, None while there is none."""
        with self._lock:
            return self._serving

    def states(self) -> list[VersionState]:
        """Every version known, the newest first."""
        return self._states.all()

    def start(self) -> None:
        """Looks at the folder once, which loads a version that is there, and from then on in a thread."""
        self._poll_safely()
        self._thread = threading.Thread(target=self._run, name="pnfrec-versions", daemon=True)
        self._thread.start()

    def load_no_more(self) -> None:
        """No load begins from now on. It takes no lock."""
        self._stopping = True

    def stop(self) -> None:
        """Ends the thread; a load that runs is waited for. A version stays until its requests are done."""
        self.load_no_more()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None
        self._keep_only(())
        self._close_ended()

    @contextlib.contextmanager
    def lease(
        self, model_name: str, version: int | None = None, label: str = "", user_key: str = ""
    ) -> Iterator[tuple[int, Servable]]:
        """A version, kept in memory until the block ends: see `take`."""
        slot = self.take(model_name, version, label, user_key)
        try:
            yield slot.version, slot.servable
        finally:
            self.give_back(slot)

    def take(self, model_name: str, version: int | None = None, label: str = "", user_key: str = "") -> Slot:
        """A version, kept in memory until it is given back.

        Args:
            model_name: For the error message.
            version: The caller accepts only this one.
            label: Or only the one that bears this label.
            user_key: Whom it is for, where any will do: it splits users between what serves and the canary.

        Raises:
            RequestFault: NOT_FOUND (not loaded), INVALID_ARGUMENT (no such label) or UNAVAILABLE (none is loaded).
        """
        with self._lock:
            slot = self._find(model_name, version, label, user_key)
            slot.users += 1
            return slot

    def give_back(self, slot: Slot) -> None:
        """Ends a `take`."""
        with self._lock:
            slot.users -= 1
            self._end_if_idle(slot)
        if self._thread is None:
            self._close_ended()  # since nobody else does after a stop

    def version_of(self, label: str) -> int:
        """The version that a label names.

        Raises:
            RequestFault: INVALID_ARGUMENT: none does.
        """
        with self._lock:
            return self._labelled(label)

    def poll(self) -> None:
        """Looks at the folder once: loads what is to be loaded, falls back to an older version if need be.

        A missing or unreadable base folder changes nothing, since it may be a mount that comes back. An empty one
        unloads the model, as in TensorFlow Serving. So do marks that cannot be read, and where they never could,
        nothing is loaded.
        """
        found = self._folder.read()
        # Of a disk that goes in between there would be no marks, so that what is pinned went too, and stayed away.
        if found is None or (marks := self._marks.read()) is None or self._folder.read() != found:
            return
        self._attempts.forget_absent(found)
        self._states.forget(found)
        if not found:
            if self.version is not None:
                logger.warning("All versions in %s are gone: nothing is served until one arrives.", self.base)
            self._keep_only(())
            return
        policy, plan = self._planner.plan(found, marks)
        with self._lock:
            self._labels = labels_meanwhile(self._labels, plan.labels, self._slots)
            self._canary_share = policy.canary_share
        kept = self._load_all(plan, found)
        with self._lock:
            self._labels = dict(plan.labels)
        self._keep_only(kept)
        bad = self.version if self.version in marks.bad else None
        if bad is not None and bad != self._kept_bad:
            logger.error("Version %d is bad and goes on serving, since no other can be loaded.", bad)
        self._kept_bad = bad

    def _load_all(self, plan: Plan, found: dict[int, Path]) -> set[int]:
        """Loads what a plan asks for, and lets the version take over that answers whoever asks for none.

        Returns:
            The versions to keep: that one, even if it is of no plan any more because no other could be loaded.
        """
        tried: dict[int, bool] = {}

        def have(version: int) -> bool:
            if version not in tried:
                tried[version] = version in self._slots or self._load(version, found[version])
            return tried[version]

        first = (plan.fixed,) if plan.fixed is not None else ()
        serving = next((version for version in (*first, *plan.pool) if have(version)), None)
        if serving is not None:
            self._take_over(serving)
        kept = {version for version in (self.version,) if version is not None}
        filled = int(serving is not None and serving == plan.fixed)
        for version in plan.pool:
            if filled >= plan.most:
                break
            if version != plan.fixed and have(version):
                kept.add(version)
                filled += 1
        kept.update(version for version in sorted({*plan.labels.values()}) if version in found and have(version))
        return kept

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

    def _load(self, version: int, folder: Path) -> bool:
        loaded = None if self._stopping else self._attempts.load(version, folder, self.version)
        if loaded is None:
            return False
        with self._lock:
            self._slots[version] = Slot(version, loaded.servable)
        self._states.set(VersionState(version, "AVAILABLE"))
        logger.info("Loaded version %d from %s in %.1f s.", version, folder, loaded.seconds)
        return True

    def _find(self, model_name: str, version: int | None, label: str, user_key: str) -> Slot:
        """Under the lock: what a request gets."""
        if label:
            version = self._labelled(label)
        if version is not None:
            slot = self._slots.get(version)
            if slot is None:
                msg = f"Servable not found for request: Specific({model_name}, {version})"
                raise errors.RequestFault(errors.NOT_FOUND, msg)
            return slot
        if self._serving is None:
            why = self._marks.problem or f"waiting for one in {self.base}."
            msg = f"No version of model {model_name} is loaded yet: {why}"
            raise errors.RequestFault(errors.UNAVAILABLE, msg, wire.REASON_NO_VERSION)
        canary = self._slots.get(self._labels.get(CANARY, -1))
        if canary is not None and wants_canary(user_key, self._canary_share):
            return canary
        return self._slots[self._serving]

    def _labelled(self, label: str) -> int:
        """Under the lock."""
        if label not in self._labels:
            raise errors.RequestFault(errors.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        return self._labels[label]

    def _take_over(self, version: int) -> None:
        with self._lock:
            before, self._serving = self._serving, version
        if before != version:
            logger.info("Version %d of %s serves.", version, self.base)
            self._on_change(version)

    def _keep_only(self, kept: Container[int]) -> None:
        """Retires every other version that is loaded: no new request gets it."""
        with self._lock:
            for version in [version for version in self._slots if version not in kept]:
                slot = self._slots.pop(version)
                slot.retired = True
                self._states.set(VersionState(version, "UNLOADING"))
                self._end_if_idle(slot)
            ended = self._serving is not None and self._serving not in kept
            if ended:
                self._serving = None
        if ended:
            self._on_change(None)

    def _end_if_idle(self, slot: Slot) -> None:
        """Under the lock: the last request on a retired version ends it."""
        if not slot.retired or slot.users:
            return
        self._ended.append(slot)
        self._wake.set()
        if self._states.end(slot.version):
            logger.info("Unloaded version %d.", slot.version)
