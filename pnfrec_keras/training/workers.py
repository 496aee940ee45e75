"""Several processes that train one model: how they join, what they tell one another, and what is said when one is lost.

Each holds all weights and reads its share of every batch; gradients are summed over all (MultiWorkerMirroredStrategy).
"""

import contextlib
import dataclasses
import logging
import re
import signal
import threading
from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
import tensorflow as tf

from pnfrec_keras.examples.shares import Share
from pnfrec_keras.training.cluster import Task, make_task, read_task
from pnfrec_keras.training.greeting import DifferentWorkersError, facts_of
from pnfrec_keras.training.rendezvous import WorkerLostError, wait_for_all

Communication = Literal["auto", "ring", "nccl"]
# Numbers sent at once: float32, 16 MiB.
_AT_ONCE = 1 << 22
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
_OTHER_SHAPE = re.compile(r"expected shape (\[[\d,]*\]) but another member in the group expected shape (\[[\d,]*\])")
_ALIKE = (
    "Each process must make the model of the same settings and the same number of items: see that all read the same "
    "rows, and start all of them again."
)
_ABORTED = "Collective ops is aborted"
_NAME = re.compile(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Workers:
    """This process among those that train together.

    Attributes:
        task: Who it is.
        strategy: The `tf.distribute.MultiWorkerMirroredStrategy` in whose scope a model is to be made.
    """

    task: Task
    strategy: Any

    @property
    def is_chief(self) -> bool:
        """Whether it is the one that writes, exports and reports."""
        return self.task.is_chief

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Where the model is to be made, in every process: `with workers.scope(): model = PNFRec(...)`.

        Raises:
            DifferentWorkersError: Another process makes another model.
            WorkerLostError: Another process is gone, as it is when it has found the same before.
        """
        with self.watching(_ALIKE), self.strategy.scope():
            yield

    @property
    def share(self) -> Share:
        """What it reads of each batch."""
        replicas = self.strategy.num_replicas_in_sync
        local = replicas // len(self.task.members)
        return Share(self.task.rank * local, local, replicas)

    def from_chief(self, content: bytes) -> bytes:
        """What the chief gave, in every process; what the others give does not matter. All have to call it at once."""
        return self._from_one(content, 0)

    def contents_of_all(self, content: bytes) -> list[bytes]:
        """What each process gives, by its rank. All have to call it at once."""
        return [self._from_one(content, rank) for rank in range(len(self.task.members))]

    def _from_one(self, content: bytes, rank: int) -> bytes:
        gives = self.task.rank == rank
        length = int(self._sum(np.array([len(content)] if gives else [0], np.float64))[0])
        if not gives:
            content = bytes(length)
        words = np.frombuffer(content + bytes(length % 2), np.uint16)
        parts = [words[begin : begin + _AT_ONCE] for begin in range(0, len(words), _AT_ONCE)]
        # Whole numbers below 2**16 as float32: what sums up gradients on any device sums up these, exactly.
        found = [self._sum(part.astype(np.float32)).astype(np.uint16) for part in parts]
        return b"".join(part.tobytes() for part in found)[:length]

    def of_all(self, value: bool) -> list[bool]:
        """What each process says, by its rank. All have to call it at once."""
        return [bool(each) for each in self.numbers_of_all(int(value))]

    def numbers_of_all(self, number: int) -> list[int]:
        """The number of each process, by its rank. All have to call it at once."""
        said = np.zeros(len(self.task.members), np.float64)
        said[self.task.rank] = number
        return [int(each) for each in self._sum(said)]

    def _sum(self, values: Any) -> Any:
        """The sum over processes of numbers of one shape."""
        first = self.share.first

        def of_replica(context: Any) -> Any:
            is_first = int(context.replica_id_in_sync_group) == first
            return tf.constant(values if is_first else np.zeros_like(values))

        each = self.strategy.experimental_distribute_values_from_function(of_replica)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None).numpy()

    @contextlib.contextmanager
    def watching(self, advice: str) -> Iterator[None]:
        """Raises a `WorkerLostError` with who is lost, and `advice`, where the block waits for another in vain."""
        try:
            yield
        except tf.errors.OpError as error:
            if not isinstance(error, _LOST) and "ollective" not in str(error):
                raise
            if other := _OTHER_SHAPE.search(str(error)):
                msg = (
                    f"{self.task.describe(self.task.rank)} and another process make models of different shapes "
                    f"({' and '.join(other.groups())}). {_ALIKE}"
                )
                raise DifferentWorkersError(msg) from error
            named = {(kind, int(index)) for kind, index in _NAME.findall(str(error))}
            others = [rank for rank in range(len(self.task.members)) if rank != self.task.rank]
            lost = [rank for rank in others if self.task.members[rank][:2] in named] or others
            msg = (
                f"{' or '.join(self.task.describe(rank) for rank in lost)} is lost or no longer answers, and "
                f"{self.task.describe(self.task.rank)} cannot go on alone. {advice} TensorFlow says: {_said(error)}"
            )
            raise WorkerLostError(msg) from error


def _said(error: Any) -> str:
    """The part of TensorFlow's message that says what happened: its first line, or that about collective operations."""
    lines = str(error.message).splitlines()
    told = next((line for line in lines if _ABORTED in line), "".join(lines[:1]))
    return told[max(told.find(_ABORTED), 0) :].strip()


_joined: list[Workers] = []


def join_workers(
    *, gpus: int | None = None, communication: Communication = "auto", wait_seconds: float = 600.0
) -> Workers:
    """Joins the processes that TF_CONFIG names, and waits until all of them are there.

    To be called in each of them before anything else of TensorFlow or Keras is made: a tensor, a data set, a model. A
    second call gives the same.

    Args:
        gpus: How many GPUs this machine must have, as all of them must have equally many; None takes those that there
            are, and the processor where there is none.
        communication: How gradients are summed: "nccl" between GPUs, "ring" over the network, or what TensorFlow
            chooses of them.
        wait_seconds: How long the others may take to come.

    Raises:
        ClusterError: TF_CONFIG is missing or wrong.
        OSError: The port of this process is in use.
        ValueError: There are not that many GPUs, or there is no such way to communicate.
        WorkerLostError: Somebody has not come in time.
        DifferentWorkersError: Somebody has other versions, other code or another cluster; the difference is named.
        RuntimeError: TensorFlow is already in use.
    """
    if _joined:
        return _joined[0]
    if communication not in get_args(Communication):
        msg = f"`communication` must be one of {', '.join(get_args(Communication))}. Received: {communication!r}."
        raise ValueError(msg)
    task = read_task()
    _check_gpus(gpus, communication)
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation[communication.upper()]
    )
    log.info("%s waits for all %d workers.", task.describe(task.rank), len(task.members))
    wait_for_all(task, wait_seconds, facts_of(task))
    try:
        with _same_end():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        msg = (
            "TensorFlow is in use already, and can no longer join other machines: call `join_workers()` before "
            "anything else makes a tensor, a data set or a model."
        )
        raise RuntimeError(msg) from error
    _joined.append(Workers(task, strategy))
    return _joined[0]


@contextlib.contextmanager
def _same_end() -> Iterator[None]:
    """A process that is asked to end still does: TensorFlow's service for clusters swallows SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def check_scope(strategy: Any) -> None:
    """Raises a ValueError where this process has joined others, and a model of this strategy would train alone."""
    if _joined and workers_of(strategy) is None:
        msg = (
            "This process has joined other workers, and the model would train on its own in each of them: make it in "
            "their scope, `with workers.scope(): model = PNFRec(...)`."
        )
        raise ValueError(msg)


def workers_of(strategy: Any) -> Workers | None:
    """The processes that train a model of this strategy; None where it is a single one."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return None
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict()
    if not cluster:
        return None
    return Workers(make_task(cluster, resolver.task_type, resolver.task_id), strategy)


def _check_gpus(wanted: int | None, communication: Communication) -> None:
    found = len(tf.config.list_physical_devices("GPU"))
    if found != (found if wanted is None else wanted) or (communication == "nccl" and not found):
        asked = "a GPU, for `communication='nccl'`," if wanted is None else f"{wanted} GPU{'s' * (wanted != 1)}"
        msg = (
            f"This machine must have {asked} and TensorFlow sees {found}. Check its driver, CUDA_VISIBLE_DEVICES and "
            "whether TensorFlow was installed with CUDA (the extra `gpu`); all machines must have equally many."
        )
        raise ValueError(msg)
