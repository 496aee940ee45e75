"""Lines of JSON, one a call: who asked what, and what was shown. No failure to write fails a call."""

import contextlib
import datetime
import json
import logging
import logging.handlers
import os
import time
from pathlib import Path
from typing import Any, Final

from serving.errors import ServerStartError
from serving.records import CallRecord

logger = logging.getLogger(__name__)

# A full disk is told once, and then again after so long.
_TELL_AGAIN_SECONDS: Final = 60.0


class _LineFile(logging.handlers.RotatingFileHandler):
    """A rotating file that tells of a failure to write in the server's log, now and then, and goes on.

    Where somebody else has moved the file aside or removed it, as logrotate does, it is begun anew.
    """

    def __init__(self, path: str, max_bytes: int, backups: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")
        self._lost = 0
        self._told = -_TELL_AGAIN_SECONDS

    def _open(self) -> Any:
        """Opens the file, behind a half line that a full disk or the end of a process may have left there."""
        stream = super()._open()
        with contextlib.suppress(OSError):
            if _is_cut_off(self.baseFilename):
                stream.write("\n")
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line."""
        stream = self.stream
        if stream is not None and not _is_at(stream.fileno(), self.baseFilename):
            # What comes next opens it.
            self.stream = None
            with contextlib.suppress(OSError):
                stream.close()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Called by logging where a line could not be written."""
        del record
        self._lost += 1
        # What the stream could not write it would try again with each line, before the new one.
        stream, self.stream = self.stream, None
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.close()
        now = time.monotonic()
        if now - self._told >= _TELL_AGAIN_SECONDS:
            self._told = now
            logger.exception("%s cannot be written: %d lines are lost so far.", self.baseFilename, self._lost)


class CallLog:
    """A file with a line of JSON a call.

    Args:
        path: The file; its folder is made.
        max_bytes: It is moved aside before it becomes longer.
        backups: Old files that are kept.

    Raises:
        ServerStartError: It cannot be written.
    """

    def __init__(self, path: str | Path, max_bytes: int, backups: int) -> None:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._file = _LineFile(str(path), max_bytes, backups)
        except OSError as error:
            msg = f"{path}: a log of calls cannot be written there ({error.strerror}). Name another file."
            raise ServerStartError(msg) from error

    def write(self, values: dict[str, Any]) -> None:
        """One line."""
        line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        self._file.handle(logging.LogRecord(__name__, logging.INFO, "", 0, line, (), None))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


class AccessLog(CallLog):
    """A line a call: time, request id, face, method, model, signature, rows, status, milliseconds, version.

    Model and signature are `unread` of a call whose message was not read, or is none.
    """

    def on_call(self, record: CallRecord) -> None:
        self.write(
            {
                "time": _now(),
                "request_id": record.request_id,
                "face": record.face,
                "method": record.method,
                "model": record.model,
                "signature": record.signature_read,
                "rows": record.rows,
                "code": record.code,
                "ms": round(record.seconds * 1000, 3),
                "version": record.version,
            }
        )


class ExposureLog(CallLog):
    """A line a call that was answered with lists: the ids that each row shows, the model and its version."""

    def on_call(self, record: CallRecord) -> None:
        if (ranked := record.ranked) is not None:
            self.write(
                {
                    "time": _now(),
                    "request_id": record.request_id,
                    "model": record.model,
                    "signature": record.signature,
                    "version": record.version,
                    "items": ranked.items(),
                }
            )


def _is_cut_off(path: str) -> bool:
    """Whether the last line of a file has no end."""
    with open(path, "rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _is_at(number: int, path: str) -> bool:
    """Whether a file that is open lies there still."""
    try:
        there, ours = os.stat(path), os.fstat(number)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
