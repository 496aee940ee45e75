"""The log of a run: what is ours in full, and of what libraries say what a reader can use.

TFX logs each node's description, inputs and settings as protobuf text, several times over: thousands of lines in which
ours would not be found.
"""

import logging
import os
import time
from typing import Final

from pnfrec_core import launch

# Environment variable, and the value with which everything is logged.
CONTROL: Final = "PNFREC_LOG"
FULL: Final = "full"

_FORMAT = "%(asctime)s UTC %(levelname)s %(name)s: %(message)s"
_OURS = (*launch.PACKAGES, "__main__")
_LONGEST = 300
_NOTE = f"({{}}; {CONTROL}={FULL} keeps it)"

log = logging.getLogger(__name__)


def set_up() -> None:
    """Begins to log to standard error, shortened unless `PNFREC_LOG=full` says otherwise."""
    # Local time has an hour twice each autumn, and records of runs are in UTC.
    formatter = logging.Formatter(_FORMAT)
    formatter.converter = time.gmtime
    stream = logging.StreamHandler()
    stream.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[stream])
    # Beam's remarks about other libraries' type hints: hundreds of lines without a use.
    logging.getLogger("apache_beam.typehints").setLevel(logging.WARNING)
    if os.environ.get(CONTROL) == FULL:
        return
    for handler in logging.getLogger().handlers:
        handler.addFilter(Shortened())
    log.info("What libraries log is shortened and said once. %s=%s keeps all of it.", CONTROL, FULL)


class Shortened(logging.Filter):
    """Cuts what libraries inform about to its first line, and lets each of their lines pass once.

    Our own records, errors, and whatever comes with a traceback pass as they are, as often as they come; so do
    warnings, once each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record, which may have become shorter."""
        if record.name.split(".")[0] in _OURS or record.levelno >= logging.ERROR or record.exc_info:
            return True
        text = record.getMessage()
        if (record.name, text) in self._seen:
            return False
        self._seen.add((record.name, text))
        if record.levelno < logging.WARNING:
            record.msg, record.args = shorten(text), ()
        return True


def shorten(text: str) -> str:
    """The first line of a text, cut where it is very long, with a note of what is missing."""
    first, *others = text.rstrip().split("\n")
    missing = []
    if len(first) > _LONGEST:
        missing.append(f"{len(first) - _LONGEST:,} more characters")
        first = first[:_LONGEST]
    if others:
        missing.append(f"{len(others):,} more line{'s' if len(others) > 1 else ''}")
    return f"{first} {_NOTE.format(', '.join(missing))}" if missing else first
