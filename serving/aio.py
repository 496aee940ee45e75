"""The client for asyncio: `RecommenderClient` with `await` before each call.

async with AsyncRecommenderClient("localhost:8500") as client:
    answers = await asyncio.gather(*(client.recommend(history) for history in histories))
"""

import asyncio
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc
from grpc import aio

from serving import contract, errors
from serving.connection import Connection
from serving.contract import Recommendations
from serving.dialogue import Dialogue, ModelMetadata, VersionStatus
from serving.link import METADATA, PREDICT, STATUS, Link, Method
from serving.retries import Retries


class AsyncRecommenderClient:
    """Asks a server for recommendations, from the event loop that it was made in.

    Args and errors are those of `serving.client.RecommenderClient`. The parts of a batch of more than `rows_per_call`
    rows are asked for at the same time, `calls_at_once` at most.
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
        calls_at_once: int = 4,
    ) -> None:
        if calls_at_once < 1:
            msg = f"`calls_at_once` must be at least 1. Received: {calls_at_once}."
            raise ValueError(msg)
        self.target = target
        self.model_name = model_name
        self._dialogue = Dialogue(model_name, version, label, rows_per_call)
        self._connection = Connection(target, credentials, token, metadata, timeout, wait_for_ready, retries)
        self._calls_at_once = calls_at_once
        self._process = os.getpid()
        self._link = Link(self._connection, aio)

    async def __aenter__(self) -> "AsyncRecommenderClient":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection; calls that run are cancelled."""
        await self._link.close()

    async def recommend(
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
        """As `RecommenderClient.recommend`."""
        excludes, negatives, allows = ([row] if row is not None else None for row in (exclude, negative, allow))
        answers = await self.recommend_batch(
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

    async def recommend_batch(
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
        """As `RecommenderClient.recommend_batch`; one part that fails ends the whole."""
        free = asyncio.Semaphore(self._calls_at_once)

        async def ask(request: Any, rows: int) -> list[Recommendations]:
            async with free:
                return contract.read_response(await self._call(PREDICT, request, timeout, user_key), rows)

        wishes = contract.Wishes.of(allows, max_per_group, explain)
        parts = self._dialogue.predictions(positives, excludes, k, negatives, gamma, wishes)
        tasks = [asyncio.ensure_future(ask(request, rows)) for request, rows in parts]
        try:
            return [answer for part in await asyncio.gather(*tasks) for answer in part]
        finally:
            for task in tasks:
                task.cancel()

    async def metadata(self, *, timeout: float | None = None) -> ModelMetadata:
        """As `RecommenderClient.metadata`."""
        request = self._dialogue.metadata_request()
        return self._dialogue.read_metadata(await self._call(METADATA, request, timeout))

    async def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """As `RecommenderClient.status`."""
        request = self._dialogue.status_request()
        return self._dialogue.read_status(await self._call(STATUS, request, timeout))

    async def _call(self, method: Method, request: Any, timeout: float | None, user_key: str | None = None) -> Any:
        errors.require_process(self._process, self.target)
        connection = self._connection
        seconds = connection.seconds(timeout)
        attempts = connection.retries.begin(seconds)
        while True:
            try:
                return await self._link.method(method)(
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
            await asyncio.sleep(wait)
