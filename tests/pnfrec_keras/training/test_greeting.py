"""Processes that differ are told so before they train, whoever of them comes first, and TensorFlow is left alone."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from pnfrec_keras.training import rendezvous
from pnfrec_keras.training.cluster import Task
from pnfrec_keras.training.greeting import DifferentWorkersError, FactsByName, Greeter, differences, facts_of
from pnfrec_keras.training.rendezvous import WorkerLostError, wait_for_all

FACTS = {"TensorFlow": "2.16.2", "the code of pnfrec_keras": "abc"}


def tasks(number: int) -> list[Task]:
    """Processes at ports that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        ports = [each.getsockname()[1] for each in sockets]
    members = tuple(("worker", rank, f"127.0.0.1:{port}") for rank, port in enumerate(ports))
    return [Task("worker", rank, members) for rank in range(number)]


def meet(facts: list[FactsByName], seconds: float = 60.0) -> list[BaseException | None]:
    """What each of them ends with, waiting for the others."""
    found: list[BaseException | None] = [None] * len(facts)
    them = tasks(len(facts))
    all_are_done = threading.Barrier(len(facts))

    def wait(rank: int) -> None:
        with contextlib.ExitStack() as stack:
            try:
                wait_for_all(them[rank], seconds, facts[rank])
                # As TensorFlow does, for one that comes later.
                port = int(them[rank].members[rank][2].rpartition(":")[2])
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except (DifferentWorkersError, WorkerLostError) as error:
                found[rank] = error
            all_are_done.wait()

    threads = [threading.Thread(target=wait, args=(rank,)) for rank in range(len(facts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_those_that_are_alike_go_on() -> None:
    assert meet([FACTS, dict(FACTS), dict(FACTS)]) == [None, None, None]


def test_both_name_what_differs() -> None:
    one, two = meet([FACTS, {**FACTS, "TensorFlow": "2.21.0"}])
    assert isinstance(one, DifferentWorkersError)
    assert isinstance(two, DifferentWorkersError)
    assert "TensorFlow: 2.16.2 here, 2.21.0 there." in str(one)
    assert "TensorFlow: 2.21.0 here, 2.16.2 there." in str(two)
    assert "abc" not in str(one), "what is alike is not named"
    assert "worker 1 (127.0.0.1:" in str(one)
    assert "need the same environment, the same code" in str(one)


def test_of_three_nobody_waits_for_the_one_that_differs() -> None:
    found = meet([FACTS, {**FACTS, "the code of pnfrec_keras": "def"}, FACTS])
    assert all(isinstance(each, DifferentWorkersError) for each in found), found
    assert "worker 1" in str(found[0])
    assert "worker 2" not in str(found[0])
    assert "the code of pnfrec_keras: abc here, def there" in str(found[2])


def test_one_that_differs_is_named_though_another_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "_LINGER", 0.5)
    them = tasks(3)

    def wait() -> None:
        with contextlib.suppress(DifferentWorkersError):
            wait_for_all(them[1], 60, {"a": "1"})

    other = threading.Thread(target=wait)
    other.start()
    with pytest.raises(DifferentWorkersError, match=r"worker 1 .*: a: 2 here, 1 there\."):
        wait_for_all(them[0], 60, {"a": "2"})
    other.join()


@contextlib.contextmanager
def saying(said: bytes) -> Iterator[int]:
    """Something else at a port, that says so to whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    other, _ = server.accept()
                    other.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "said", [b"", b"\x00\x00\x12\x04\x00\x00\x00", b"pnfrec no JSON\n", b"pnfrec [1, 2]\n", b"HTTP/1.1 400\r\n\n"]
)
def test_tensorflow_that_is_there_already_tells_nothing(said: bytes) -> None:
    (alone,) = tasks(1)
    with saying(said) as port:
        task = Task("worker", 0, (*alone.members, ("worker", 1, f"127.0.0.1:{port}")))
        wait_for_all(task, 30, FACTS)


def test_what_is_told_of_this_process() -> None:
    (task,) = tasks(1)
    found = facts_of(task)
    assert list(found) == [
        *("Python", "TensorFlow", "Keras", "NumPy", "pnfrec"),
        *("the code of pnfrec_keras", "the cluster of TF_CONFIG"),
    ]
    assert found["the cluster of TF_CONFIG"] == f"worker {task.members[0][2]}"
    assert found == facts_of(task)


def test_what_one_of_them_lacks_differs() -> None:
    assert differences({"a": "1"}, {"b": "2"}) == "a: 1 here, none there; b: none here, 2 there"


def test_a_greeting_without_an_end_is_not_kept() -> None:
    (task,) = tasks(1)
    with socket.create_server(("127.0.0.1", 0)) as server, saying(b'pnfrec [1, {"a": "1"}]') as port:
        greeter = Greeter(server, task, {})
        greeter.meet("127.0.0.1", port, 5)
        assert greeter.told == {}
