"""Files of the input that are copies of one another: a day that was delivered twice, under the next day's name too."""

import os
from collections.abc import Iterable, Iterator

from components.feedback.reading.files import is_remote
from pnfrec_core.provenance import data_digest

_SHOWN = 3


def copies(paths: Iterable[str]) -> Iterator[str]:
    """What files hold the very same bytes, a sentence for all of them.

    Only files of one size are looked into, and none in a store.

    Args:
        paths: Of files that have rows, in order.
    """
    by_size: dict[int, list[str]] = {}
    for path in dict.fromkeys(paths):
        if not is_remote(path):
            by_size.setdefault(os.path.getsize(path), []).append(path)
    by_content: dict[str, list[str]] = {}
    for path in (path for same in by_size.values() if len(same) > 1 for path in same):
        by_content.setdefault(data_digest([path]), []).append(path)
    found = [same for same in by_content.values() if len(same) > 1]
    if found:
        named = "; ".join(" and ".join(same[:_SHOWN]) for same in found[:_SHOWN])
        more = sum(map(len, found)) - len(found)
        yield (
            f"{more:,} of the files {'is a copy' if more == 1 else 'are copies'} of another one, byte by byte, so that "
            f"{'its' if more == 1 else 'their'} rows count twice: {named}. Perhaps a day was delivered again under the "
            "next one's name: take the copy out, or put the right file in its place."
        )
