"""Waiting until all processes of a training are there, for as long as somebody is willing to wait, and are alike.

TensorFlow waits for its peers without an end that one could set, and takes no signal meanwhile.
"""

import socket
import time
from typing import Final

from pnfrec_keras.training.cluster import Task
from pnfrec_keras.training.greeting import DifferentWorkersError, FactsByName, Greeter, differences

_EVERY: Final = 0.2  # seconds between two rounds
_PATIENCE: Final = 2.0  # seconds for one to answer
_LINGER: Final = 5.0  # seconds in which one that differs tells the others, who would wait for it


class WorkerLostError(ConnectionError):
    """Another worker is gone, has not come, or does not answer: nobody can go on alone."""


def wait_for_all(task: Task, seconds: float, facts: FactsByName | None = None) -> None:
    """Returns when each of them listens at its address: for the others as this one does here, or for TensorFlow.

    Args:
        task: This process.
        seconds: How long it waits.
        facts: What has to be the same in all of them (`greeting.facts_of`).

    Raises:
        OSError: Something else uses the port of this process.
        WorkerLostError: Somebody has not come in time.
        DifferentWorkersError: Somebody is there, and has other facts.
    """
    missing = [rank for rank in range(len(task.members)) if rank != task.rank]
    facts = facts or {}
    end = time.monotonic() + seconds
    problem = ""
    with _listening(task) as listener:
        greeter = Greeter(listener, task, facts)
        with greeter.answering():
            while missing := [rank for rank in missing if not _listens(greeter, task.members[rank][2])]:
                if not problem and (problem := _problem(task, facts, greeter.told)):
                    end = min(end, time.monotonic() + _LINGER)
                if time.monotonic() > end:
                    break
                time.sleep(_EVERY)
        if problem := problem or _problem(task, facts, greeter.told):
            raise DifferentWorkersError(problem)
    if missing:
        msg = (
            f"{', '.join(task.describe(rank) for rank in missing)} did not come within {seconds:g} s. Start "
            "all workers, and check that their addresses in TF_CONFIG are reached from this machine."
        )
        raise WorkerLostError(msg)


def _problem(task: Task, facts: FactsByName, told: dict[int, FactsByName]) -> str:
    """How others differ from this process, in a sentence each; "" where nobody does."""
    found = {rank: differences(facts, its) for rank, its in sorted(told.items()) if rank != task.rank}
    known = range(len(task.members))
    sentences = [
        f"{task.describe(rank) if rank in known else f'Number {rank}'} differs from {task.describe(task.rank)}: {each}."
        for rank, each in found.items()
        if each
    ]
    remedy = "All processes of a training need the same environment, the same code and the same cluster in TF_CONFIG."
    return " ".join([*sentences, remedy]) if sentences else ""


def _listening(task: Task) -> socket.socket:
    port = int(task.members[task.rank][2].rpartition(":")[2])
    try:
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(("", port), family=family, backlog=len(task.members), dualstack_ipv6=both)
    except OSError as error:
        msg = (
            f"Port {port} of this machine, which TF_CONFIG names for {task.describe(task.rank)}, cannot be used "
            f"({error.strerror}): end what uses it, or choose another one."
        )
        raise OSError(error.errno, msg) from error


def _listens(greeter: Greeter, address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        # Names of pods that have not started are not known yet: an OSError, too.
        greeter.meet(host.strip("[]"), int(port), _PATIENCE)
    except OSError:
        return False
    return True
