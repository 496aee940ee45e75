"""A page to look at recommendations: search, like, dislike, and see what each dislike moved. It is for people."""

import functools
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pnfrec_core import schema
from serving import errors, tensors, wire
from serving.calls import Call
from serving.connection import REQUEST_ID
from serving.records import request_id
from serving.rest import forms
from serving.rest.app import Answer, RestApp, read_body, respond
from serving.rest.calls import Calls
from serving.settings import ServerSettings
from serving.titles import Titles, items_file, read_titles

logger = logging.getLogger(__name__)

_FOLDER: Final = Path(__file__).parent
_FILES: Final = {
    "/": ("page.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
}
# Nothing of other places is loaded, and no other place shows the page inside of its own.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
_FOUND: Final = 12
_SHOWN: Final = 10
# Ranks beyond are told as "further down".
_DEEP: Final = 100
_MOST_DISLIKES: Final = 20
_MOST_LIKES: Final = 200


def page_routes(app: RestApp, calls: Calls, settings: ServerSettings, version: Callable[[], int | None]) -> list[Route]:
    """The routes of the page. Its files need no token; what it asks for does."""
    page = _Page(app, calls, settings, version)
    files = [Route(path, _file(*named), methods=["GET"]) for path, named in _FILES.items()]
    return [
        *files,
        Route("/page/items", app.let_in(page.items), methods=["GET"]),
        Route("/page/lists", app.let_in(page.lists), methods=["POST"]),
    ]


def _file(name: str, kind: str) -> Any:
    async def show(_: Request) -> Response:
        return Response((_FOLDER / name).read_bytes(), headers=_HEADERS, media_type=kind)

    return show


class _Page:
    """What the page asks for."""

    def __init__(self, app: RestApp, calls: Calls, settings: ServerSettings, version: Callable[[], int | None]) -> None:
        self._app = app
        self._calls = calls
        self._settings = settings
        self._version = version
        self._titles_of = functools.lru_cache(maxsize=2)(self._read_titles)

    async def items(self, request: Request) -> Response:
        """Items whose title or id holds each word of `q`, the most frequent first; those of `id` where it is given."""
        own_id = request_id(request.headers.get(REQUEST_ID))
        words = request.query_params.get("q", "").casefold().split()
        ids = request.query_params.getlist("id")[:_MOST_LIKES]

        def find() -> Answer:
            version = self._version()
            if version is None:
                return 503, {"error": "No version of the model is loaded yet."}
            titles = self._titles_of(version)
            if ids:
                found = [each for each in ids if each in titles or not len(titles)]
            else:
                found = [*titles.find(words, _FOUND)]
            return 200, {"version": str(version), "items": [_item(titles, each) for each in found]}

        return respond(*await self._app.ask(find, own_id))

    async def lists(self, request: Request) -> Response:
        """The list after likes and dislikes, that without the dislikes, and what each dislike moved."""
        own_id = request_id(request.headers.get(REQUEST_ID))
        try:
            body = forms.parse(await read_body(request, self._settings.rest.max_body_bytes))
            liked, disliked = _ids(body, "liked", _MOST_LIKES), _ids(body, "disliked", _MOST_DISLIKES)
        except errors.RequestFault as fault:
            status, document = self._calls.refused(fault.code, fault.details, own_id)
            return respond(status, document)
        return respond(*await self._app.ask(lambda: self._ranked(liked, disliked, own_id), own_id))

    def _ranked(self, liked: list[str], disliked: list[str], own_id: str) -> Answer:
        # All dislikes, none of them, and all but each: what is left out is excluded, so that no list holds it.
        told = [disliked, [], *([each for each in disliked if each != one] for one in disliked)]
        spec = wire.model_spec(self._settings.model_name)
        status, document, response = self._calls.ranked(spec, _request(liked, told, disliked), own_id, self._call())
        if response is None:
            return status, document
        version = int(response.model_spec.version.value)
        titles = self._titles_of(version)
        outputs = {name: tensors.to_lists(response.outputs[name]) for name in (*_NEEDED, schema.OUTPUT_SCORES)}
        rows = [
            [item.decode() for item in row[:count]]
            for row, count in zip(outputs[schema.OUTPUT_ITEM_IDS], outputs[schema.OUTPUT_COUNT], strict=True)
        ]
        scores = dict(zip(rows[0], outputs[schema.OUTPUT_SCORES][0], strict=False))
        return 200, {
            "version": str(version),
            "fallback": bool(outputs[schema.OUTPUT_FALLBACK][0]),
            "items": [
                {**_item(titles, each), "score": scores[each], "before": _rank(rows[1], each)}
                for each in rows[0][:_SHOWN]
            ],
            "without": [{**_item(titles, each), "after": _rank(rows[0], each)} for each in rows[1][:_SHOWN]],
            "dislikes": [
                {
                    **_item(titles, one),
                    "moved": [
                        {**_item(titles, item), "from": a, "to": b} for item, a, b in _moves(rows[place], rows[0])
                    ],
                }
                for place, one in enumerate(disliked, start=2)
            ],
        }

    def _call(self) -> Call:
        return Call(self._settings.rest.timeout_seconds)

    def _read_titles(self, version: int) -> Titles:
        try:
            return read_titles(items_file(self._settings.base, version))
        except (OSError, ValueError) as error:
            logger.warning("The page has no titles: %s", error)
            return Titles({}, Path(self._settings.base))


_NEEDED: Final = (schema.OUTPUT_ITEM_IDS, schema.OUTPUT_COUNT, schema.OUTPUT_FALLBACK)


def _request(liked: list[str], told: Sequence[Sequence[str]], excluded: list[str]) -> Any:
    """A request of the signature with dislikes, a row for each list of them."""
    rows = len(told)
    width = max(len(each) for each in told)
    request = wire.PredictRequest()
    request.model_spec.signature_name = schema.NEGATIVES_SIGNATURE

    def put(name: str, values: Any, dtype: int, shape: list[int]) -> None:
        request.inputs[name].CopyFrom(tensors.to_proto(values, dtype, shape))

    texts = tensors.DT_STRING
    put(schema.POSITIVE_ITEM_IDS, [liked] * rows, texts, [rows, len(liked)])
    put(schema.NEGATIVE_ITEM_IDS, [[*each, *[""] * (width - len(each))] for each in told], texts, [rows, width])
    put(schema.EXCLUDE_ITEM_IDS, [excluded] * rows, texts, [rows, len(excluded)])
    put(schema.K, [_DEEP] * rows, tensors.DT_INT32, [rows])
    put(schema.GAMMA, [math.nan] * rows, tensors.DT_FLOAT, [rows])
    return request


def _ids(body: Any, name: str, most: int) -> list[str]:
    values = body.get(name, []) if isinstance(body, dict) else None
    if not isinstance(values, list) or len(values) > most or not all(isinstance(each, str) for each in values):
        msg = f"`{name}` must be a list of {most} ids at most."
        raise forms.fault(msg)
    return list(dict.fromkeys(values))


def _rank(row: list[str], item: str) -> int | None:
    return row.index(item) + 1 if item in row else None


def _moves(before: list[str], after: list[str]) -> list[tuple[str, int | None, int | None]]:
    """Items that a dislike moved, of those shown before or after it: those that moved farthest first."""
    shown = dict.fromkeys([*before[:_SHOWN], *after[:_SHOWN]])
    ranks = [(item, _rank(before, item), _rank(after, item)) for item in shown]
    moved = [(item, a, b) for item, a, b in ranks if a != b]
    return sorted(moved, key=lambda move: -abs((move[1] or _DEEP) - (move[2] or _DEEP)))[:_SHOWN]


def _item(titles: Titles, item_id: str) -> dict[str, str]:
    return {"id": item_id, "title": titles.title(item_id)}
