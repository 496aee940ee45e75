"""A page to look at recommendations: search, like, dislike, and see what each dislike moved. It is for people."""

import functools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pnfrec_core import schema
from serving import errors, wire
from serving.calls import Call
from serving.connection import REQUEST_ID
from serving.quiet import Quiet
from serving.records import request_id
from serving.rest import forms, page_lists
from serving.rest.app import Answer, RestApp, respond
from serving.rest.bodies import is_left, read_body, status_of
from serving.rest.calls import Calls
from serving.settings import ServerSettings
from serving.titles import Titles, items_file, read_titles

logger = logging.getLogger(__name__)

_FOLDER: Final = Path(__file__).parent
_FILES: Final = {
    "/": ("page.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}
# Nothing of other places is loaded, no other place shows the page inside of its own, and no text becomes a part of it.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; "
    "script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_OK: Final = 200
_NOT_FOUND: Final = 404
_NO_TITLES: Final = (
    f"The version shown has no {schema.EXTRA_ASSETS}/{schema.VOCABULARY_FILE}, so that nothing can be searched. The "
    "server's log says why."
)
_FOUND: Final = 12
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
        self._read_titles = functools.lru_cache(maxsize=4)(
            lambda version: read_titles(items_file(settings.base, version))
        )
        # Those of all versions shown, beside what they were made of.
        self._joined: tuple[list[Titles], Titles] = ([], Titles({}, Path(settings.base)))
        self._unread = Quiet(logger)

    async def items(self, request: Request) -> Response:
        """Items whose title or id holds each word of `q`, the most frequent first; those of `id` where it is given."""
        own_id = request_id(request.headers.get(REQUEST_ID))
        words = request.query_params.get("q", "").casefold().split()
        ids = request.query_params.getlist("id")[:_MOST_LIKES]

        def find() -> Answer:
            versions = [version for version in self._shown() if version is not None]
            if not versions:
                return 503, {"error": "No version of the model is loaded yet."}
            titles = self._titles_of_all(versions)
            if not ids and not len(titles):
                return _NOT_FOUND, {"error": _NO_TITLES}
            if ids:
                found, more = [each for each in ids if each in titles or not len(titles)], False
            else:
                found = titles.find(words, _FOUND + 1)
                more, found = len(found) > _FOUND, found[:_FOUND]
            return _OK, {"items": [page_lists.item_of(titles, each) for each in found], "more": more}

        return respond(*await self._app.ask(find, own_id, self._settings.model_name))

    async def lists(self, request: Request) -> Response:
        """The lists after likes and dislikes, and what the rule and each dislike moved: of each version shown."""
        own_id = request_id(request.headers.get(REQUEST_ID))
        try:
            body = forms.parse(await read_body(request, self._settings.rest))
            liked, disliked = _ids(body, "liked", _MOST_LIKES), _ids(body, "disliked", _MOST_DISLIKES)
        except errors.RequestFault as fault:
            status, document = self._calls.refused(fault.code, fault.details, own_id, self._settings.model_name)
            return respond(status_of(fault, status), document, closes=is_left(fault))
        work = functools.partial(self._compared, liked, disliked, own_id)
        return respond(*await self._app.ask(work, own_id, self._settings.model_name))

    def _shown(self) -> dict[int | None, list[str]]:
        """The versions that the page shows, with their labels; None for a label whose version is not there.

        They are those with the labels `stable` and `canary`, or, where nobody has set either, the one that serves.
        """
        shown: dict[int | None, list[str]] = {}
        for label, version in self._calls.labels(self._settings.model_name).items():
            shown.setdefault(version, []).append(label)
        return shown or {self._version(): []}

    def _compared(self, liked: list[str], disliked: list[str], own_id: str) -> Answer:
        call = Call(self._settings.rest.timeout_seconds)
        answers = [self._ranked(labels, liked, disliked, own_id, call) for labels in self._shown().values()]
        # One of two that fails is told in its place; else the failure is the answer.
        failed = [(status, document) for status, document in answers if status != _OK]
        if len(failed) == len(answers):
            return failed[0][0], {"error": failed[0][1]["error"]}
        deep = self._deep()
        return _OK, {"model": self._settings.model_name, "deep": deep, "lists": [document for _, document in answers]}

    def _ranked(self, labels: list[str], liked: list[str], disliked: list[str], own_id: str, call: Call) -> Answer:
        """The list of one version."""
        spec = wire.model_spec(self._settings.model_name, label=labels[0] if labels else None)
        has = functools.partial(self._calls.has_signature, spec)
        # A model of one history for both cannot be told dislikes apart: they are excluded, and move nothing.
        reads = has(schema.NEGATIVES_SIGNATURE)
        in_full = schema.RECOMMEND_SIGNATURE if has(schema.RECOMMEND_SIGNATURE) else schema.NEGATIVES_SIGNATURE
        signature = in_full if reads else schema.SERVING_SIGNATURE
        request = page_lists.request_of(liked, disliked, signature, self._deep())
        status, document, response = self._calls.ranked(spec, request, own_id, call)
        if response is None:
            if labels and status == _NOT_FOUND:
                document = {"error": f"The version labelled {labels[0]} is not loaded. {document['error']}"}
            return status, {"labels": labels, **document}
        titles = self._titles_of(int(response.model_spec.version.value))
        ranked = page_lists.document_of(response, disliked, titles)
        return _OK, {"labels": labels, "reads_dislikes": reads, **ranked}

    def _deep(self) -> int:
        return min(page_lists.DEEP, self._settings.limits.max_k)

    def _titles_of(self, version: int) -> Titles:
        """The titles of a version; none where they cannot be read now, as while the disk that they lie on is away."""
        try:
            return self._read_titles(version)
        except (OSError, ValueError) as error:
            self._unread.warning("The page has no titles: %s", error)
            return Titles({}, Path(self._settings.base))

    def _titles_of_all(self, versions: Sequence[int]) -> Titles:
        """The items of all versions shown, those of the first before what only others have."""
        parts = [self._titles_of(version) for version in versions]
        known, found = self._joined
        if list(map(id, known)) != list(map(id, parts)):
            joined: dict[str, str] = {}
            for part in parts:
                for item_id, title in part.titles.items():
                    joined.setdefault(item_id, title)
            found = Titles(joined, parts[0].source)
            self._joined = parts, found
        return found


def _ids(body: Any, name: str, most: int) -> list[str]:
    values = body.get(name, []) if isinstance(body, dict) else None
    if not isinstance(values, list) or len(values) > most or not all(isinstance(each, str) for each in values):
        msg = f"`{name}` must be a list of {most} ids at most."
        raise forms.fault(msg)
    return list(dict.fromkeys(values))
