"""Events: what work in progress reports about itself, as a kind and numbers.

Who works reports an event through its logger (`report`): the record's message is the event in words, and the record
carries the event itself. A follower of the work, such as `pnfrec run` in another process, takes the event off the
record and need not read the words.
"""

import dataclasses
import logging
import shlex
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

# Attribute of a log record that holds the event.
ATTRIBUTE = "event"


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened; `str()` says it in one line. Each kind of event is a class below this one."""

    kinds: ClassVar[dict[str, type["Event"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Event.kinds[cls.__name__] = cls


Report = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A report to nobody."""
    del event


@dataclasses.dataclass(frozen=True)
class ReadingExamples(Event):
    """Training is about to read its examples."""

    def __str__(self) -> str:
        return "reading the examples"


@dataclasses.dataclass(frozen=True)
class TrainingStarted(Event):
    """A network is about to be trained.

    Attributes:
        settings: What distinguishes it, by the names of the configuration: its variant, width, weights of the loss.
        users: Training users.
        interactions: Of theirs, in the sequences that the network reads.
        items: Size of the catalogue.
        validation_examples: Examples that decide when to stop; 0 where the number of steps is given.
        epochs_done: Epochs of an earlier, interrupted run, from which this one goes on.
    """

    settings: Mapping[str, Any]
    users: int
    interactions: int
    items: int
    validation_examples: int
    epochs_done: int = 0

    def __str__(self) -> str:
        variant, *others = (f"{name} {value}".removeprefix("variant ") for name, value in self.settings.items())
        resumed = f", from epoch {self.epochs_done + 1} on" if self.epochs_done else ""
        validated = f", {self.validation_examples:,} validation examples" if self.validation_examples else ""
        return (
            f"training {variant}{resumed}: {', '.join(others)}; {self.users:,} users with {self.interactions:,} "
            f"interactions, {self.items:,} items{validated}"
        )


@dataclasses.dataclass(frozen=True)
class Compiling(Event):
    """The first step of a training is about to be traced and compiled, which takes longer than many steps."""

    def __str__(self) -> str:
        return "compiling the first training step"


@dataclasses.dataclass(frozen=True)
class FirstStepDone(Event):
    """The first step of a training has been done.

    Attributes:
        seconds: Since `Compiling`.
        steps: Of an epoch.
    """

    seconds: float
    steps: int

    def __str__(self) -> str:
        return f"compiled in {self.seconds:.1f} s; an epoch has {self.steps:,} step{'s' if self.steps != 1 else ''}"


@dataclasses.dataclass(frozen=True)
class EpochDone(Event):
    """An epoch is over.

    Attributes:
        epoch: Its number, from 1.
        epochs: The most that there will be.
        loss: Mean training loss.
        ndcg: Of the positive targets of validation.
        hr: The same.
    """

    epoch: int
    epochs: int
    loss: float
    ndcg: float
    hr: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch}/{self.epochs}: loss {self.loss:.4f}, validation NDCG {self.ndcg:.4f}, HR {self.hr:.4f}"
        )


@dataclasses.dataclass(frozen=True)
class StepsDone(Event):
    """A training that ends after a number of steps has done some.

    Attributes:
        step: How many.
        steps: How many there will be.
        loss: Mean training loss since the last such event.
    """

    step: int
    steps: int
    loss: float

    def __str__(self) -> str:
        return f"step {self.step:,} of {self.steps:,}: loss {self.loss:.4f}"


@dataclasses.dataclass(frozen=True)
class TrainingDone(Event):
    """A training is over; the model has the weights of its best epoch.

    Attributes:
        epochs: How many were trained.
        best_epoch: From 1.
        ndcg: Of the positive targets of validation, after the best epoch.
    """

    epochs: int
    best_epoch: int
    ndcg: float

    def __str__(self) -> str:
        return f"best epoch {self.best_epoch} of {self.epochs}: validation NDCG {self.ndcg:.4f}"


@dataclasses.dataclass(frozen=True)
class TrialDone(Event):
    """A trial of the Tuner is over.

    Attributes:
        trial: Its number, from 1.
        trials: How many there will be.
        values: The set of values that it tried, in words.
        objective: None where it failed.
        best: The best objective so far; None before the first.
        failure: Why it failed.
    """

    trial: int
    trials: int
    values: str
    objective: float | None
    best: float | None
    failure: str = ""

    def __str__(self) -> str:
        outcome = f"failed: {self.failure}" if self.objective is None else f"objective {self.objective:.4f}"
        best = "" if self.best is None else f", best so far {self.best:.4f}"
        return f"trial {self.trial}/{self.trials}: {self.values}: {outcome}{best}"


@dataclasses.dataclass(frozen=True)
class Rehearsing(Event):
    """A model is about to be loaded in a process of its own, which takes seconds."""

    def __str__(self) -> str:
        return "loading the model as a server does, and asking it"


@dataclasses.dataclass(frozen=True)
class ComparingLists(Event):
    """Two models are about to be loaded in a process of their own and asked for lists, which takes seconds.

    Attributes:
        users: The most held-out users whose lists are compared.
    """

    users: int

    def __str__(self) -> str:
        return f"comparing the lists of two models, of up to {self.users:,} held-out users"


@dataclasses.dataclass(frozen=True)
class BaselineIsBad(Event):
    """A blessed model was passed over as a baseline, since people have marked it as bad.

    Attributes:
        model: Where the artifact lies.
        version: The version that it was pushed as.
        mark: When, by whom and why it was marked.
    """

    model: str
    version: int
    mark: str

    def __str__(self) -> str:
        return (
            f"version {self.version} is no baseline, since it was marked as bad ({self.mark}): the model blessed "
            "before it is taken"
        )


@dataclasses.dataclass(frozen=True)
class ModelIsBad(Event):
    """A blessed model was not pushed, since people have marked it as bad.

    Attributes:
        base: The serving folder.
        version: The version that it was pushed as before.
        mark: When, by whom and why it was marked.
    """

    base: str
    version: int
    mark: str

    def __str__(self) -> str:
        return (
            f"not pushed: this model is version {self.version} of {self.base}, which was marked as bad ({self.mark}). "
            f"Change what made it (data, settings, code), or take the mark back: pnfrec models unmark {self.version} "
            f"--base {shlex.quote(self.base)}"
        )


def report(logger: logging.Logger, happened: Event) -> None:
    """Logs an event, in words and as it is."""
    logger.info("%s", happened, extra={ATTRIBUTE: happened})


def of_record(record: logging.LogRecord) -> Event | None:
    """The event that a log record carries, if any."""
    found = getattr(record, ATTRIBUTE, None)
    return found if isinstance(found, Event) else None


def to_dict(happened: Event) -> dict[str, Any]:
    """Kind and numbers of an event, for JSON."""
    return {"kind": type(happened).__name__, **dataclasses.asdict(happened)}


def from_dict(fields: Mapping[str, Any]) -> Event:
    """The event that `to_dict` was given.

    Raises:
        KeyError: There is no such kind of event.
        TypeError: The kind has other fields.
    """
    values = dict(fields)
    return Event.kinds[values.pop("kind")](**values)
