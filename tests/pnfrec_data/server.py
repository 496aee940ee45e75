"""An HTTP server on this machine that can drop connections, ignore ranges and change its file."""

import contextlib
import dataclasses
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclasses.dataclass
class Site:
    """What the server serves, and what it was asked for.

    `cuts`: after how many bytes each of the first answers breaks off.
    """

    content: bytes
    etag: str | None = '"v1"'
    ranges: bool = True
    status: int | None = None
    cuts: list[int] = dataclasses.field(default_factory=list)
    asked: list[str | None] = dataclasses.field(default_factory=list)
    port: int = 0

    def url(self, name: str = "file.zip") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def served(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, site)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    wanted = handler.headers.get("Range")
    site.asked.append(wanted)
    if site.status is not None:
        handler.send_error(site.status)
        return
    start = int(re.findall(r"bytes=(\d+)-", wanted)[0]) if wanted and site.ranges else 0
    if handler.headers.get("If-Range", site.etag) != site.etag:
        start = 0
    if start and start >= len(site.content):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(site.content)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    body = site.content[start:]
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
    if site.etag:
        handler.send_header("ETag", site.etag)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)
