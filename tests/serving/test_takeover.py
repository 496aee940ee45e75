"""A server takes a version over, and none that is broken, with real SavedModels."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from serving.client import RecommenderClient, VersionStatus
from serving.server import RecommenderServer
from tests.serving.conftest import wait_until


def test_a_new_version_takes_over_while_queries_run(tmp_path: Path, push: Callable[..., Path]) -> None:
    push(tmp_path, 1)
    server = RecommenderServer(tmp_path, port=0, poll_seconds=0.05)
    server.start()
    answers: list[tuple[int, float]] = []
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        with RecommenderClient(server.address, timeout=60) as client:
            while not stop.is_set():
                try:
                    answer = client.recommend(["a"], k=1)
                    answers.append((answer.version, answer.items[0][1]))
                except BaseException as error:
                    failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 50)
        push(tmp_path, 2)
        wait_until(lambda: server.versions.version == 2)
        seen = len(answers)
        wait_until(lambda: len(answers) > seen + 50)
        shutil.rmtree(tmp_path / "2")
        wait_until(lambda: server.versions.version == 1)
        seen = len(answers)
        wait_until(lambda: len(answers) > seen + 50)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.stop()
    assert failures == []
    # Each answer is whole: version 2 adds 100 to version 1's score of 3.
    assert set(answers) == {(1, 3.0), (2, 103.0)}
    assert (answers[0], answers[-1]) == ((1, 3.0), (1, 3.0))


def test_a_corrupt_savedmodel_keeps_the_old_version(tmp_path: Path, push: Callable[..., Path]) -> None:
    push(tmp_path, 1)
    server = RecommenderServer(tmp_path, port=0, poll_seconds=0.05)
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60) as client:
            staged = push(tmp_path / "staging", 2)
            whole = (staged / "saved_model.pb").read_bytes()
            (staged / "saved_model.pb").write_bytes(b"\xff" + whole[: len(whole) // 2])
            folder = staged.rename(tmp_path / "2")
            wait_until(lambda: bool(client.status()[0].error))
            newest, old = client.status()
            assert (newest.version, newest.state, newest.error_code) == (2, "END", "INTERNAL")
            assert "saved_model.pb is not a SavedModel" in newest.error
            assert old == VersionStatus(1, "AVAILABLE")
            assert client.recommend(["a"], k=1).items == [("b", 3.0)]
            (folder / "saved_model.pb").write_bytes(whole)
            wait_until(lambda: client.recommend(["a"], k=1).items == [("b", 103.0)])
            assert client.status() == [VersionStatus(2, "AVAILABLE"), VersionStatus(1, "END")]
    finally:
        server.stop(grace_seconds=0)


def test_a_savedmodel_without_the_variables_or_the_signature_is_not_loaded(
    tmp_path: Path, push: Callable[..., Path]
) -> None:
    import tensorflow as tf

    push(tmp_path, 1)
    tf.saved_model.save(tf.Module(), str(tmp_path / "2"))
    shutil.rmtree(push(tmp_path, 3, source=2) / "variables")
    server = RecommenderServer(tmp_path, port=0, poll_seconds=60)
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60) as client:
            without_variables, without_signature, serving = client.status()
            assert (without_variables.version, without_variables.state) == (3, "END")
            assert "variables" in without_variables.error
            assert (without_signature.version, without_signature.state) == (2, "END")
            assert "has no signature `serving_default`. It has: __saved_model_init_op" in without_signature.error
            assert serving == VersionStatus(1, "AVAILABLE")
    finally:
        server.stop(grace_seconds=0)
