"""The routes over HTTP, as an ASGI application (Starlette)."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import errors, wire
from serving.access import Tokens
from serving.calls import CANCELLED, Call
from serving.connection import AUTHORIZATION, REQUEST_ID, USER_KEY
from serving.metrics import Metrics
from serving.records import request_id
from serving.rest import forms, openapi
from serving.rest.bodies import is_left, read_body, status_of
from serving.rest.calls import INTERNAL, STATUSES, Calls, spec_of
from serving.settings import RestSettings

JSON: Final = "application/json"
MODEL_PATHS: Final = ("", "/versions/{version:plain}", "/labels/{label:plain}")
NAME: Final = "{name:plain}"
_GRACE_SECONDS: Final = 1.0
Answer = tuple[int, dict[str, Any]]
Answering = Callable[[Request], Awaitable[Response]]


class _Plain(StringConvertor):
    """A part of a path without a colon, which begins the method: `NAME:predict`."""

    regex = "[^/:]+"


register_url_convertor("plain", _Plain())


class RestApp:
    """What each path answers.

    Args:
        settings: Limits and what is shown.
        calls: Answers for the model.
        metrics: Of this server.
        is_ready: Whether a version of the model answers.
        tokens: Who is let in; None lets everybody in.
        most_at_once: Requests that run or wait; more are refused at once.
    """

    def __init__(
        self,
        settings: RestSettings,
        calls: Calls,
        metrics: Metrics,
        is_ready: Callable[[], bool],
        tokens: Tokens | None,
        most_at_once: int,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._metrics = metrics
        self._is_ready = is_ready
        self._tokens = tokens
        self._most_at_once = most_at_once
        self._running = 0
        # Threads of the loop that serves, so made there.
        self._threads: anyio.CapacityLimiter | None = None
        models = [
            route
            for path in MODEL_PATHS
            for route in (
                Route(f"/v1/models/{NAME}{path}:predict", self.let_in(self._predict, wire.PREDICT), methods=["POST"]),
                Route(
                    f"/v1/models/{NAME}{path}/metadata",
                    self.let_in(self._metadata, wire.GET_MODEL_METADATA),
                    methods=["GET"],
                ),
                Route(f"/v1/models/{NAME}{path}", self.let_in(self._status, wire.GET_MODEL_STATUS), methods=["GET"]),
            )
        ]
        # Probes need no token: they tell nothing about the model.
        routes = [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
            Route("/metrics", self.let_in(self._show_metrics), methods=["GET"]),
            Route("/openapi.json", self.let_in(self._openapi), methods=["GET"]),
            *models,
        ]
        self.asgi = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _broken})

    @property
    def routes(self) -> list[Route]:
        """Every path that there is."""
        return [route for route in self.asgi.router.routes if isinstance(route, Route)]

    def add(self, routes: Iterable[Route]) -> None:
        """Further routes, before the server starts."""
        self.asgi.router.routes.extend(routes)

    def let_in(self, answer: Answering, method: str = "") -> Answering:
        """The answer for those who have a token, where one is asked for.

        Args:
            answer: Of a path.
            method: Of gRPC, if it is one: then refusals are told to the watchers.
        """

        @functools.wraps(answer)
        async def handle(request: Request) -> Response:
            if self._tokens is not None and (why := self._tokens.refusal(request.headers.get(AUTHORIZATION))):
                if method:
                    own_id = request_id(request.headers.get(REQUEST_ID))
                    self._calls.refused(errors.UNAUTHENTICATED, why, own_id, _name(request), method)
                return respond(STATUSES[errors.UNAUTHENTICATED], {"error": why}, {"www-authenticate": "Bearer"})
            return await answer(request)

        return handle

    async def ask(self, work: Callable[[], Answer], own_id: str, model: str) -> Answer:
        """Runs a call of a model in a thread, no more of them at once than the server takes, and not for ever."""
        if self._running >= self._most_at_once:
            return self._calls.busy(own_id, model)
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._most_at_once)
        seconds = self._settings.timeout_seconds
        self._running += 1
        task = asyncio.ensure_future(to_thread.run_sync(work, limiter=self._threads))
        # The thread goes on after the time is up: it counts until it has ended.
        task.add_done_callback(self._ended)
        # What waits gives up by itself at its deadline; this is for what already runs.
        try:
            done, _ = await asyncio.wait([task], timeout=seconds + _GRACE_SECONDS)
        except asyncio.CancelledError:
            return STATUSES[CANCELLED], {"error": "The server stopped while it answered. Ask again."}
        if not done:
            # The thread will tell the watchers of the call.
            return STATUSES["DEADLINE_EXCEEDED"], {"error": f"No answer within {seconds:g} s (`rest.timeout_seconds`)."}
        return task.result()

    def _ended(self, task: Any) -> None:
        self._running -= 1
        if not task.cancelled():
            task.exception()  # read, so that asyncio does not tell of it

    async def _predict(self, request: Request) -> Response:
        own_id = request_id(request.headers.get(REQUEST_ID))
        try:
            content = await read_body(request, self._settings)
            spec = _spec(request)
        except errors.RequestFault as fault:
            status, document = self._calls.refused(fault.code, fault.details, own_id, _name(request))
            return respond(status_of(fault, status), document, {REQUEST_ID: own_id}, closes=is_left(fault))
        call = Call(self._settings.timeout_seconds, user_key=request.headers.get(USER_KEY, ""))
        status, document = await self.ask(lambda: self._calls.predict(spec, content, own_id, call), own_id, spec.name)
        return respond(status, document, {REQUEST_ID: own_id})

    async def _metadata(self, request: Request) -> Response:
        return await self._about(request, self._calls.metadata, wire.GET_MODEL_METADATA)

    async def _status(self, request: Request) -> Response:
        return await self._about(request, self._calls.status, wire.GET_MODEL_STATUS)

    async def _about(self, request: Request, ask: Callable[[Any, str], Answer], method: str) -> Response:
        own_id = request_id(request.headers.get(REQUEST_ID))
        try:
            answer = ask(_spec(request), own_id)
        except errors.RequestFault as fault:
            answer = self._calls.refused(fault.code, fault.details, own_id, _name(request), method)
        return respond(*answer, {REQUEST_ID: own_id})

    async def _healthz(self, _: Request) -> Response:
        return respond(200, {"status": "ok"})

    async def _readyz(self, _: Request) -> Response:
        ready = self._is_ready()
        return respond(200 if ready else 503, {"status": "SERVING" if ready else "NOT_SERVING"})

    async def _show_metrics(self, _: Request) -> Response:
        content, kind = self._metrics.exposition()
        return Response(content, media_type=kind)

    async def _openapi(self, _: Request) -> Response:
        return respond(200, openapi.description())


def respond(status: int, document: Any, headers: dict[str, str] | None = None, closes: bool = False) -> Response:
    """A document in JSON."""
    headers = {**(headers or {}), **({"connection": "close"} if closes else {})}
    return Response(forms.dump(document), status, headers, JSON)


def _name(request: Request) -> str:
    """The model that a path names; "" where it names none."""
    return str(request.path_params.get("name", ""))


def _spec(request: Request) -> Any:
    parameters = request.path_params
    return spec_of(parameters["name"], parameters.get("version"), parameters.get("label"))


async def _http_error(request: Request, error: Exception) -> Response:
    """Paths and methods that there are not."""
    status = getattr(error, "status_code", INTERNAL)
    told = {
        404: f"There is no {request.url.path[:200]} here. See /openapi.json.",
        405: f"{request.method} is not for this path.",
    }
    return respond(
        status, {"error": told.get(status, str(getattr(error, "detail", error)))}, getattr(error, "headers", None)
    )


async def _broken(_: Request, error: Exception) -> Response:
    return respond(INTERNAL, {"error": f"{type(error).__name__}: {error}"})
