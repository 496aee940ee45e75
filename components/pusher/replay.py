"""Asks the version that serves and the model that is to be pushed for the same lists, before the one takes over."""

import logging
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher.config import PushConfig
from components.pusher.programs import NotServableError, Programs
from pnfrec_core import events, popularity

log = logging.getLogger(__name__)


class Compared(NamedTuple):
    """What is compared.

    Attributes:
        new: Folder of the model that is to be pushed.
        old: Folder of the version that serves.
        examples: Folder of the examples whose histories are asked for.
    """

    new: str
    old: str
    examples: str


def replay(compared: Compared, config: PushConfig, programs: Programs) -> dict[str, Any] | None:
    """What both answer to `push.replay_users` histories of held-out users.

    Returns:
        The measures (docs/reference/formats.md); None where nothing was compared.

    Raises:
        NotServableError: Their lists have less in common than `push.min_overlap`, or the new model does not answer.
    """
    found = compare(compared, config.replay_users, programs) if config.replay_users else None
    if found is not None:
        log.info("%s", describe(found))
        _judge(found, compared, config)
    return found


def compare(compared: Compared, users: int, programs: Programs) -> dict[str, Any] | None:
    """What both answer to so many histories; None, with a warning, where there are no examples.

    Raises:
        NotServableError: The new model does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="pnfrec-replay-") as scratch:
        new, old, examples = (_here(uri, Path(scratch) / name) for name, uri in compared._asdict().items())
        shards = sorted(map(str, Path(examples).glob("*.gz")))
        if not shards:
            log.warning("Replay: %s holds no examples, so that nothing was compared.", compared.examples)
            return None
        events.report(log, events.ComparingLists(users))
        options = ["--new", new, "--old", old, "--users", str(users)]
        return programs.run("serving.bulk.replay", compared.new, *options, *shards)


def describe(found: dict[str, Any]) -> str:
    """What a replay found, in a few sentences."""
    if "old_error" in found:
        return f"Replay: the version that serves cannot be loaded, so that nothing was compared: {found['old_error']}"
    new, old = found["new"], found["old"]
    tail = popularity.BUCKETS.index("tail")
    of_tail = [100 * side["popularity"][tail] for side in (old, new)]
    return (
        f"Replay of {found['users']:,} users: {100 * found['overlap']:.0f} % of the {found['k']} items of a list stand "
        f"in the list of the version that serves too. Lists by popularity: {100 * old['fallback']:.1f} % before, "
        f"{100 * new['fallback']:.1f} % now; items of histories that are not known: {100 * old['unknown_items']:.1f} % "
        f"and {100 * new['unknown_items']:.1f} %; share of the tail in the lists: {of_tail[0]:.1f} % "
        f"and {of_tail[1]:.1f} %; a user takes {old['ms_a_user']:.1f} ms and "
        f"{new['ms_a_user']:.1f} ms."
    )


def _judge(found: dict[str, Any], compared: Compared, config: PushConfig) -> None:
    if config.min_overlap is None or "old_error" in found or found["overlap"] >= config.min_overlap:
        return
    msg = (
        f"Of the lists of {found['users']:,} users, {found['overlap']:.3f} of the items stand in those of the version "
        f"that serves, {compared.old} too, and `push.min_overlap` is {config.min_overlap:g}. Nothing was pushed. "
        "Look at what has changed (data, settings, code): if the new lists are meant to differ so much, leave the "
        "bound out of this run: --set push.min_overlap=null."
    )
    raise NotServableError(msg)


def _here(uri: str, scratch: Path) -> str:
    """A folder of this machine with what lies at a URI."""
    if "://" not in uri:
        return uri
    if fileio.isdir(uri):
        io_utils.copy_dir(uri, str(scratch))
    return str(scratch)
