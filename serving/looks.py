"""What each look at a serving folder reads: the versions, the marks beside them, and what the settings make of both."""

import logging
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path

from pnfrec_core import model_marks
from pnfrec_core.model_marks import STABLE, Marks, MarksError
from serving import folders
from serving.policy import Plan, Policy

logger = logging.getLogger(__name__)


class FolderReader:
    """The versions of a serving folder, complete or not."""

    def __init__(self, base: Path, poll_seconds: float) -> None:
        self._base = base
        self._poll_seconds = poll_seconds
        self._problem = ""

    def read(self) -> dict[int, Path] | None:
        """Version folders by number, or None if the base cannot be read."""
        try:
            found = folders.version_folders(self._base)
        except OSError as error:
            if str(error) != self._problem:
                logger.warning("Cannot read the model folder: %s. Looking again every %g s.", error, self._poll_seconds)
            self._problem = str(error)
            return None
        self._problem = ""
        return found


class MarksReader:
    """The marks of a serving folder, read again with each look at it.

    A file that is damaged leaves the marks as they were read last, and is told once.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._last: Marks | None = None
        self.problem = ""

    def read(self) -> Marks | None:
        """The marks; None where they cannot be read and never were, so that nobody knows what is bad."""
        try:
            self._last = model_marks.read(self._base)
        except MarksError as error:
            if str(error) != self.problem:
                logger.error("%s", error)
            self.problem = str(error)
            return self._last
        if self.problem:
            logger.info("The marks of %s can be read again.", self._base)
        self.problem = ""
        return self._last


class Planner:
    """What is to be loaded of the versions that are there. Versions that are asked for and not there are told once.

    Args:
        base: The serving folder.
        policy: Tells what the settings say about versions, at each look.
    """

    def __init__(self, base: Path, policy: Callable[[], Policy]) -> None:
        self._base = base
        self._policy = policy
        self._told: frozenset[str] = frozenset()

    def plan(self, found: Mapping[int, Path], marks: Marks) -> tuple[Policy, Plan]:
        """The settings and the plan for these versions."""
        policy = self._policy()
        plan = policy.plan(found, marks)
        absent = frozenset(self._absent(policy, plan, marks, found))
        for text in sorted(absent - self._told):
            logger.warning("%s", text)
        self._told = absent
        return policy, plan

    def _absent(self, policy: Policy, plan: Plan, marks: Marks, found: Container[int]) -> Iterator[str]:
        where = f"not in {self._base}"
        if marks.pinned is not None and marks.pinned.version not in found:
            yield f"Version {marks.pinned.version} is pinned and {where}: another answers whoever asks for none."
        if policy.specific and not plan.pool:
            wanted = ", ".join(map(str, policy.specific))
            yield f"None of the versions that are to be loaded ({wanted}) can be: they are {where}, or bad."
        for label, version in plan.labels.items():
            if version not in found:
                # Those who ask for none, and are not of the canary's share, would get that version.
                split = label == STABLE and policy.canary_share > 0 and marks.pinned is None
                others = ", and whoever asks for none the newest" if split else ""
                text = f"The label `{label}` names version {version}, {where}: whoever asks for it gets NOT_FOUND"
                yield f"{text}{others}."
