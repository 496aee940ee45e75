"""A download over HTTP that goes on where it was cut off and is never taken for complete before it is."""

import dataclasses
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pnfrec_core import locks
from pnfrec_data.dataset import RemoteFile
from pnfrec_data.errors import DataError
from pnfrec_data.source import file_digest

_BLOCK = 1 << 16
# Waits, in seconds, before each further attempt of a download that had begun; any progress starts them anew.
_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
_TIMEOUT = 15.0
_BUSY = (408, 425, 429, 500, 502, 503, 504)
# (bytes there, bytes in all or None, bytes that this call brought, seconds since it began)
Progress = Callable[[int, int | None, int, float], None]


class FetchError(DataError):
    """The file could not be had; the message says why."""


class _CutError(Exception):
    """The connection ended early; another attempt may go on."""


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A file that is whole.

    Attributes:
        path: Where it lies.
        sha256: Its checksum.
        downloaded: False where it was there already.
    """

    path: Path
    sha256: str
    downloaded: bool


def fetch(
    file: RemoteFile,
    folder: Path,
    progress: Progress,
    recorded: str | None = None,
    waits: tuple[float, ...] = _WAITS,
    timeout: float = _TIMEOUT,
) -> Fetched:
    """Downloads `file` into `folder` and verifies it; a file that is there is verified alone.

    Args:
        file: What to download.
        folder: Where to; made if need be. What is unfinished lies beside under NAME.part.
        progress: Called after each block.
        recorded: Checksum of an earlier download, for files whose publisher gives none.
        waits: Seconds before each further attempt after a cut.
        timeout: Seconds that the connection may be silent.

    Raises:
        FetchError: It cannot be reached, is not what was expected, or the disk is full. The part that came stays for
            the next attempt; a whole file with a wrong checksum is set aside as NAME.rejected.
    """
    target = folder / file.name
    expected = file.sha256 or recorded
    if target.exists():
        digest = file_digest(target)
        if expected not in (None, digest):
            msg = f"{target}: has sha256 {digest}, expected {expected}. Remove the file to download it anew."
            raise FetchError(msg)
        return Fetched(target, digest, downloaded=False)
    folder.mkdir(parents=True, exist_ok=True)
    # Of two halves of a file mixed nobody could tell.
    try:
        with locks.alone(folder):
            return _downloaded(file, target, expected, progress, waits, timeout)
    except locks.HeldError as error:
        msg = f"another process is downloading to {folder}. Wait for it, then run the same command again"
        raise FetchError(msg) from error


def _downloaded(
    file: RemoteFile, target: Path, expected: str | None, progress: Progress, waits: tuple[float, ...], timeout: float
) -> Fetched:
    download = _Download(file, target.with_name(f"{file.name}.part"), progress, timeout)
    download.run(waits)
    digest = file_digest(download.part)
    if expected not in (None, digest):
        rejected = target.with_name(f"{file.name}.rejected")
        os.replace(download.part, rejected)
        origin = "expected" if file.sha256 else "an earlier download had"
        msg = (
            f"what came has sha256 {digest}, {origin} {expected}: damaged on the way, or another edition. It lies in "
            f"{rejected}"
        )
        raise FetchError(msg)
    os.replace(download.part, target)
    return Fetched(target, digest, downloaded=True)


class _Download:
    """Brings the part file to its full length."""

    def __init__(self, file: RemoteFile, part: Path, progress: Progress, timeout: float) -> None:
        self.file, self.part, self.progress, self.timeout = file, part, progress, timeout
        # What the server calls this version of the file, so that two versions are never put together.
        self.tag = part.with_name(f"{part.name}.tag")
        self.received = 0
        self.begin = time.monotonic()

    def run(self, waits: tuple[float, ...]) -> None:
        left = list(waits)
        while True:
            before = self.received
            try:
                self._attempt()
                self.tag.unlink(missing_ok=True)
                return
            except _CutError as error:
                if self.received > before:
                    left = list(waits)
                # An address that never answered will not in a minute either.
                if not left or self.received == 0:
                    hint = " What came is kept: the same command goes on." if self._have() else ""
                    msg = f"{error}.{hint}"
                    raise FetchError(msg) from error
                time.sleep(left.pop(0))

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _attempt(self) -> None:
        have = self._have()
        headers = {"User-Agent": "pnfrec", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.tag.exists():
                headers["If-Range"] = self.tag.read_text(encoding="utf-8")
        try:
            request = urllib.request.Request(self.file.url, headers=headers)
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                self._receive(response, have)
        except urllib.error.HTTPError as error:
            self._refused(error, have)
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            raise _CutError(_reason(error)) from error

    def _refused(self, error: urllib.error.HTTPError, have: int) -> None:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if _total_of(error.headers.get("Content-Range")) == have:
                return
            # More than the file now has: not from this version.
            self.part.unlink()
            self.tag.unlink(missing_ok=True)
            self._attempt()
        elif error.code in _BUSY:
            msg = f"the server answered {error.code} {error.reason}"
            raise _CutError(msg) from error
        else:
            msg = f"the server answered {error.code} {error.reason}"
            raise FetchError(msg) from error

    def _receive(self, response: Any, have: int) -> None:
        if self.file.url.startswith("https:") and not response.url.startswith("https:"):
            msg = f"the server leads to {response.url}, without encryption"
            raise FetchError(msg)
        start = have if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        if start and _start_of(response.headers.get("Content-Range")) != have:
            msg = "the server sent another part than was asked for. Remove the .part file"
            raise FetchError(msg)
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        self._check(total, start)
        version = response.headers.get("ETag") or response.headers.get("Last-Modified")
        # A weak tag promises no equal bytes.
        if version and not version.startswith("W/"):
            self.tag.write_text(version, encoding="utf-8")
        else:
            self.tag.unlink(missing_ok=True)
        with self.part.open("ab" if start else "wb") as part:
            done = start
            while block := response.read(_BLOCK):
                part.write(block)
                done += len(block)
                self.received += len(block)
                self.progress(done, total, self.received, time.monotonic() - self.begin)
        if total is not None and done < total:
            msg = f"the connection was cut after {done:,} of {total:,} bytes"
            raise _CutError(msg)

    def _check(self, total: int | None, start: int) -> None:
        """Raises a FetchError for a file of another size than is known, or one that the disk has no room for."""
        size = self.file.size
        if size is not None and total is not None and total != size:
            msg = f"the server offers {total:,} bytes, expected {size:,}: another edition, or no such file"
            raise FetchError(msg)
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and free < total - start:
            msg = f"{self.part.parent} has {free:,} bytes free, {total - start:,} are needed"
            raise FetchError(msg)


def _start_of(content_range: str | None) -> int | None:
    found = re.match(r"bytes (\d+)-", content_range or "")
    return int(found[1]) if found else None


def _total_of(content_range: str | None) -> int | None:
    found = re.search(r"/(\d+)$", content_range or "")
    return int(found[1]) if found else None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    text = " ".join(str(reason).split()) or type(reason).__name__
    return f"no connection ({text})"
