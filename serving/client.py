"""A client of the recommender that needs grpcio and protobuf, and neither TensorFlow nor numpy.

It speaks TensorFlow Serving's API, so it works with `pnfrec serve` and with the stock tensorflow/serving image alike:

    with RecommenderClient("localhost:8500") as client:
        answer = client.recommend(["1375666", "0110912"], k=5)

`serving.aio` has its twin for asyncio.
"""

import os
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc

from serving import contract, errors
from serving.connection import Connection, TlsFiles
from serving.contract import Recommendations
from serving.dialogue import Dialogue, ModelMetadata, Signature, TensorSpec, VersionStatus
from serving.link import METADATA, PREDICT, STATUS, Link, Method
from serving.retries import Retries

__all__ = [
    "ModelMetadata",
    "Recommendations",
    "RecommenderClient",
    "Retries",
    "Signature",
    "TensorSpec",
    "TlsFiles",
    "VersionStatus",
]


class RecommenderClient:
    """Asks a server for recommendations. Safe to use from several threads.

    Args:
        target: "host:port" of the gRPC port.
        model_name: As the server names the model.
        timeout: Seconds until a call is given up, all its attempts and waits together. Each call may set its own.
        version: Asks for this version only; None takes the newest that is loaded.
        label: Asks for the version that bears this label, such as "stable".
        credentials: `TlsFiles` or grpc.ChannelCredentials for a connection with TLS; None is one without.
        token: Sent as `authorization: Bearer TOKEN` with each call.
        metadata: Further pairs sent with each call; names in lower case.
        wait_for_ready: Waits for a server that is not there, until the call's deadline, instead of failing at once.
        retries: How often a call is made again that the server was not there for.
        rows_per_call: A larger batch is cut into several calls, one after the other.

    Raises:
        OSError: A file of `credentials` cannot be read.
        ValueError: Settings contradict each other, or a file of `credentials` is not what it should be.
    """

    def __init__(
        self,
        target: str,
        model_name: str = "pnfrec",
        timeout: float = 5.0,
        version: int | None = None,
        *,
        label: str | None = None,
        credentials: Any = None,
        token: str | None = None,
        metadata: Sequence[tuple[str, str | bytes]] = (),
        wait_for_ready: bool = False,
        retries: Retries = Retries(),  # noqa: B008 (frozen)
        rows_per_call: int = 1024,
    ) -> None:
        self.target = target
        self.model_name = model_name
        self.timeout = timeout
        self.version = version
        self._dialogue = Dialogue(model_name, version, label, rows_per_call)
        self._connection = Connection(target, credentials, token, metadata, timeout, wait_for_ready, retries)
        self._process = os.getpid()
        self._link = Link(self._connection)

    def __enter__(self) -> "RecommenderClient":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection. Calls after it raise ValueError."""
        self._link.close()

    def recommend(
        self,
        positive: Sequence[str],
        exclude: Sequence[str] | None = None,
        k: int = 10,
        *,
        negative: Sequence[str] | None = None,
        gamma: float | None = None,
        allow: Sequence[str] | None = None,
        max_per_group: int = 0,
        explain: bool = False,
        user_key: str | None = None,
        timeout: float | None = None,
    ) -> Recommendations:
        """The best `k` items after a history.

        Args:
            positive: Ids of the items that the user liked, oldest first. Unknown ones are ignored; may be empty.
            exclude: More ids that must not come back, if any. The history never does.
            k: How many. Fewer come back when fewer are left.
            negative: Ids of the items that the user disliked, oldest first. They never come back, and are what the
                model reads where it knows no liked item.
            gamma: Weight of dislikes in the ranking; None takes the model's own, 0 is the paper's ranking.
            allow: The only ids that may come back, such as a shop's stock; None allows all.
            max_per_group: How many items of one group may come back; 0 for as many as there are.
            explain: Whether the answer tells the score of each item before the rule of dislikes, and its group.
            user_key: Whom the answer is for, such as a user's id: a server with a canary gives that version to a share
                of the users, and always to the same.
            timeout: Seconds for this call; None takes the client's.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        excludes, negatives, allows = ([row] if row is not None else None for row in (exclude, negative, allow))
        answers = self.recommend_batch(
            [positive],
            excludes,
            k,
            negatives=negatives,
            gamma=gamma,
            allows=allows,
            max_per_group=max_per_group,
            explain=explain,
            user_key=user_key,
            timeout=timeout,
        )
        return answers[0]

    def recommend_batch(
        self,
        positives: Sequence[Sequence[str]],
        excludes: Sequence[Sequence[str]] | None = None,
        k: int | Sequence[int] = 10,
        *,
        negatives: Sequence[Sequence[str]] | None = None,
        gamma: float | None = None,
        allows: Sequence[Sequence[str] | None] | None = None,
        max_per_group: int | Sequence[int] = 0,
        explain: bool = False,
        user_key: str | None = None,
        timeout: float | None = None,
    ) -> list[Recommendations]:
        """`recommend` for several histories, answered in their order.

        More than `rows_per_call` of them are several calls, and a new version may take over between two: each answer
        tells its version.

        Args:
            positives: One history a row.
            excludes: One list a row; None excludes nothing more.
            k: One for all rows, or one a row.
            negatives: One list a row.
            gamma: For all rows.
            allows: One list a row, or None in its place; None allows all.
            max_per_group: For all rows, or one a row.
            explain: For all rows.
            user_key: For all rows, which one version answers.
            timeout: Seconds for each call; None takes the client's.

        Raises:
            ValueError: The numbers of rows differ, or `k` is not a 32-bit number.
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        wishes = contract.Wishes.of(allows, max_per_group, explain)
        answers = []
        for request, rows in self._dialogue.predictions(positives, excludes, k, negatives, gamma, wishes):
            answers += contract.read_response(self._call(PREDICT, request, timeout, user_key), rows)
        return answers

    def metadata(self, *, timeout: float | None = None) -> ModelMetadata:
        """Signatures of the version that serves.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        return self._dialogue.read_metadata(self._call(METADATA, self._dialogue.metadata_request(), timeout))

    def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """State of each version that the server knows of, the newest first.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        return self._dialogue.read_status(self._call(STATUS, self._dialogue.status_request(), timeout))

    def call(self, path: str, request: Any, response: Any, *, timeout: float | None = None) -> Any:
        """The answer of any other method of the server that takes one message and gives one.

        Args:
            path: Such as "/grpc.health.v1.Health/Check".
            request: The message.
            response: The class of the answer.
            timeout: Seconds for this call; None takes the client's.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        return self._call(Method(path, type(request), response), request, timeout)

    def _call(self, method: Method, request: Any, timeout: float | None, user_key: str | None = None) -> Any:
        errors.require_process(self._process, self.target)
        connection = self._connection
        seconds = connection.seconds(timeout)
        attempts = connection.retries.begin(seconds)
        while True:
            try:
                return self._link.method(method)(
                    request,
                    timeout=attempts.remaining(),
                    metadata=connection.headers(user_key),
                    wait_for_ready=connection.wait_for_ready or None,
                )
            except grpc.RpcError as error:
                self._link.renew(error.code().name)
                wait = attempts.wait_after(error.code().name)
                if wait is None:
                    raise errors.translate(error, self.target, self.model_name, seconds) from error
            time.sleep(wait)
