"""TF_CONFIG: who trains together, and what cannot."""

import json
import socket
from typing import Any

import pytest
import tensorflow as tf

from components.trainer.config import TrainerConfig
from pnfrec_keras.training.cluster import ClusterError, Task, read_task
from pnfrec_keras.training.rendezvous import WorkerLostError, wait_for_all
from pnfrec_keras.training.workers import join_workers

pytestmark = pytest.mark.tensorflow

TWO = ["a:2222", "b:2222"]
CHIEF_AND_TWO = {"chief": ["c:2222"], "worker": TWO}


def read(monkeypatch: pytest.MonkeyPatch, found: Any) -> Task:
    monkeypatch.setenv("TF_CONFIG", found if isinstance(found, str) else json.dumps(found))
    return read_task()


def of(cluster: Any, kind: Any = "worker", index: Any = 0) -> dict[str, Any]:
    # Kubeflow's operator writes the environment, too.
    return {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "rank", "described"),
    [
        ({"worker": TWO}, "worker", 0, 0, "worker 0 (a:2222)"),
        ({"worker": TWO}, "worker", 1, 1, "worker 1 (b:2222)"),
        (CHIEF_AND_TWO, "chief", 0, 0, "chief 0 (c:2222)"),
        (CHIEF_AND_TWO, "worker", 0, 1, "worker 0 (a:2222)"),
        (CHIEF_AND_TWO, "worker", 1, 2, "worker 1 (b:2222)"),
        ({"worker": ["[::1]:2222"]}, "worker", 0, 0, "worker 0 ([::1]:2222)"),
    ],
)
def test_the_first_leads(
    monkeypatch: pytest.MonkeyPatch, cluster: Any, kind: str, index: int, rank: int, described: str
) -> None:
    task = read(monkeypatch, of(cluster, kind, index))
    assert (task.rank, task.is_chief, task.describe(rank)) == (rank, rank == 0, described)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("", r"needs the environment variable TF_CONFIG, and it is not set"),
        ("{worker: a}", r"TF_CONFIG is no JSON \("),
        ("[]", r'it has no "cluster" that names the addresses of all'),
        ({"task": {"type": "worker", "index": 0}}, r'it has no "cluster"'),
        ({"cluster": {"worker": TWO}}, r'the "type" of the "task" must be `chief` or `worker`. Received: None'),
        (of({**CHIEF_AND_TWO, "ps": ["d:1"]}), r"parameter servers \(`ps`\) have no part here"),
        (of({"worker": TWO}, "ps"), r"parameter servers \(`ps`\) have no part here"),
        (of({"worker": TWO}, "evaluator"), r"this machine is an `evaluator`"),
        (of({"worker": TWO, "master": ["d:1"]}), r"master cannot train: a cluster has `chief` and `worker`"),
        (of({"worker": TWO}, "chief"), r'the "index" of the task must be that of one of the 0 of `chief`'),
        (of({"chief": TWO}, "chief"), r"it has more than one `chief`"),
        ({"sparseCluster": {"worker": {"0": "a:1"}}, "task": {"type": "worker"}}, r"`worker` must be a list"),
        (of({"worker": TWO}, index=2), r"one of the 2 of `worker`, from 0 on. Received: 2"),
        (of({"worker": TWO}, index=-1), r"Received: -1"),
        (of({"worker": TWO}, index="0"), r"Received: '0'"),
        (of({"worker": TWO}, index=True), r"Received: True"),
        (of({"worker": ["a:2222", "b"]}), r"an address must be HOST:PORT. Received: 'b'"),
        (of({"worker": ["a:2222", "http://b:2222"]}), r"an address must be HOST:PORT. Received: 'http://b:2222'"),
        (of({"worker": ["a:2222", "b c:2222"]}), r"an address must be HOST:PORT. Received: 'b c:2222'"),
        (of({"worker": ["a:2222", "b:99999"]}), r"Received: 'b:99999'"),
        (of({"worker": ["a:2222", 7]}), r"Received: 7"),
        (of({"chief": ["a:2222"], "worker": TWO}), r"a:2222 is named more than once"),
    ],
)
def test_what_cannot_train_together_is_refused(monkeypatch: pytest.MonkeyPatch, found: Any, message: str) -> None:
    with pytest.raises(ClusterError, match=message) as error:
        read(monkeypatch, found)
    assert '"index": 0' in str(error.value), "it shows what is right"


def test_the_pipeline_trains_in_one_process() -> None:
    with pytest.raises(ValueError, match=r"`training.strategy: multi_worker` is for scripts that are started on each"):
        TrainerConfig(strategy="multi_worker")


def task_of(own: int, other: int) -> Task:
    return Task("worker", 0, (("worker", 0, f"127.0.0.1:{own}"), ("worker", 1, f"127.0.0.1:{other}")))


def test_who_does_not_come_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as here, socket.create_server(("127.0.0.1", 0)) as there:
        own, other = (each.getsockname()[1] for each in (here, there))
    with pytest.raises(WorkerLostError, match=rf"worker 1 \(127.0.0.1:{other}\) did not come within 0 s"):
        wait_for_all(task_of(own, other), 0.0)


def test_nobody_waits_where_all_are_there_and_the_port_is_free_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        other = there.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as here:
            own = here.getsockname()[1]
        wait_for_all(task_of(own, other), 0.0)
        with socket.create_server(("127.0.0.1", own)):
            pass


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("", 0)) as here:
        port = here.getsockname()[1]
        with pytest.raises(OSError, match=rf"Port {port} of this machine, which TF_CONFIG names for worker 0"):
            wait_for_all(task_of(port, 1), 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpus": 2}, r"must have 2 GPUs and TensorFlow sees 0"),
        ({"gpus": 1}, r"must have 1 GPU and TensorFlow sees 0"),
        ({"communication": "nccl"}, r"must have a GPU, for `communication='nccl'`, and TensorFlow sees 0"),
        ({"communication": "gloo"}, r"`communication` must be one of auto, ring, nccl. Received: 'gloo'"),
    ],
)
def test_a_machine_without_what_was_asked_for_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps(of({"worker": TWO})))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    with pytest.raises(ValueError, match=message):
        join_workers(**settings)


def test_it_is_too_late_once_tensorflow_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
    monkeypatch.setenv("TF_CONFIG", json.dumps(of({"worker": [f"127.0.0.1:{port}"]})))
    assert int(tf.constant(1)) == 1
    with pytest.raises(RuntimeError, match="call `join_workers\\(\\)` before anything else makes a tensor"):
        join_workers()
