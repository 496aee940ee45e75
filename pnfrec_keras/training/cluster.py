"""Which machines train together, and which of them this one is: TF_CONFIG, as Kubeflow's training operator sets it.

    {"cluster": {"chief": ["HOST:PORT"], "worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}

The chief is the first. A cluster without one has the worker 0 for it, as TensorFlow does.
"""

import dataclasses
import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import Any, Final

VARIABLE: Final = "TF_CONFIG"
CHIEF: Final = "chief"
WORKER: Final = "worker"
_KINDS: Final = (CHIEF, WORKER)
_EXAMPLE: Final = (
    '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}, with the '
    "index of each machine on it"
)


class ClusterError(ValueError):
    """What describes the cluster is missing or wrong, or this machine is none that can train in it."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One of the processes that train together.

    Attributes:
        kind: "chief" or "worker".
        index: Among those of its kind.
        members: Kind, index and address of all of them, in order; the first one leads.
    """

    kind: str
    index: int
    members: tuple[tuple[str, int, str], ...]

    @property
    def rank(self) -> int:
        """Its place among all, from 0."""
        return [member[:2] for member in self.members].index((self.kind, self.index))

    @property
    def is_chief(self) -> bool:
        """Whether it is the one that writes and reports."""
        return self.rank == 0

    def describe(self, rank: int) -> str:
        """The kind, index and address of one of them."""
        kind, index, address = self.members[rank]
        return f"{kind} {index} ({address})"


def read_task() -> Task:
    """What TF_CONFIG says.

    Raises:
        ClusterError: It is missing, no JSON, or describes something that cannot train together.
    """
    text = os.environ.get(VARIABLE, "")
    if not text.strip():
        msg = (
            f"`training.strategy: multi_worker` needs the environment variable {VARIABLE}, and it is not set. "
            f"Kubeflow's training operator sets it; elsewhere set {_EXAMPLE}. One machine alone needs `mirrored` or "
            "`none`."
        )
        raise ClusterError(msg)
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = f"{VARIABLE} is no JSON ({error}). It looks like {_EXAMPLE}."
        raise ClusterError(msg) from error
    described = found if isinstance(found, dict) else {}
    task = described.get("task")
    task = task if isinstance(task, dict) else {}
    return make_task(described.get("cluster", described.get("sparseCluster")), task.get("type"), task.get("index"))


def make_task(cluster: Any, kind: Any, index: Any) -> Task:
    """A task of a cluster, as of `read_task`: addresses by kind, the kind of the task and its index among these."""
    for problem in itertools.chain(_problems_of_kinds(cluster, kind), _problems_of_addresses(cluster, kind, index)):
        msg = f"{VARIABLE}: {problem}. It looks like {_EXAMPLE}."
        raise ClusterError(msg)
    members = [(each, place, cluster[each][place]) for each in _KINDS for place in range(len(cluster.get(each, [])))]
    return Task(kind, index, tuple(members))


def _problems_of_kinds(cluster: Any, kind: Any) -> Iterator[str]:
    if not isinstance(cluster, dict) or not cluster:
        yield 'it has no "cluster" that names the addresses of all'
        return
    if kind == "ps" or "ps" in cluster:
        yield "parameter servers (`ps`) have no part here, since each process holds all weights: leave them out"
    if kind == "evaluator":
        yield "this machine is an `evaluator`, and the workers validate what they train: start none"
    if unknown := sorted(set(cluster) - {*_KINDS, "ps"}):
        yield f"{', '.join(unknown)} cannot train: a cluster has `{CHIEF}` and `{WORKER}`"
    if kind not in _KINDS:
        yield f'the "type" of the "task" must be `{CHIEF}` or `{WORKER}`. Received: {kind!r}'
    for each in _KINDS:
        if not isinstance(cluster.get(each, []), list):
            yield f"`{each}` must be a list of addresses, by their index. Received: {cluster[each]!r}"
    if len(cluster.get(CHIEF, [])) > 1:
        yield f"it has more than one `{CHIEF}`"


def _problems_of_addresses(cluster: Any, kind: Any, index: Any) -> Iterator[str]:
    addresses = [address for each in _KINDS for address in cluster.get(each, [])]
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        plain = re.fullmatch(r"[^\s/@]+", host) and re.fullmatch(r"[0-9]{1,5}", port)
        if not isinstance(address, str) or not plain or not 0 < int(port) < 2**16:
            yield f"an address must be HOST:PORT. Received: {address!r}"
    if twice := sorted({str(address) for address in addresses if addresses.count(address) > 1}):
        yield f"{', '.join(twice)} is named more than once, and each process needs an address of its own"
    count = len(cluster.get(kind, []))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        yield f'the "index" of the task must be that of one of the {count} of `{kind}`, from 0 on. Received: {index!r}'
