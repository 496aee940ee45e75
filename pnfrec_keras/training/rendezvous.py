"""Waiting until all processes of a training are there, for as long as somebody is willing to wait.

TensorFlow waits for its peers without an end that one could set, and takes no signal meanwhile.
"""

import socket
import time
from typing import Final

from pnfrec_keras.training.cluster import Task

_EVERY: Final = 0.2  # seconds between two rounds
_PATIENCE: Final = 2.0  # seconds for one to answer


class WorkerLostError(ConnectionError):
    """Another worker is gone, has not come, or does not answer: nobody can go on alone."""


def wait_for_all(task: Task, seconds: float) -> None:
    """Returns when each of them listens at its address: for the others as this one does here, or for TensorFlow.

    Args:
        task: This process.
        seconds: How long it waits.

    Raises:
        OSError: Something else uses the port of this process.
        WorkerLostError: Somebody has not come in time.
    """
    missing = [rank for rank in range(len(task.members)) if rank != task.rank]
    end = time.monotonic() + seconds
    with _listening(task):
        while missing := [rank for rank in missing if not _listens(task.members[rank][2])]:
            if time.monotonic() > end:
                msg = (
                    f"{', '.join(task.describe(rank) for rank in missing)} did not come within {seconds:g} s. Start "
                    "all workers, and check that their addresses in TF_CONFIG are reached from this machine."
                )
                raise WorkerLostError(msg)
            time.sleep(_EVERY)


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


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        # Names of pods that have not started are not known yet: an OSError, too.
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True
