"""How stores of objects are opened: with the options that Beam has for them, such as `s3_endpoint_url`.

And what they say of what their files hold, without a byte of them being read.
"""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

# A store answers each question in some tens of milliseconds.
_AT_ONCE = 16


def open_stores_with(arguments: Sequence[str]) -> None:
    """Has this process open files in stores with options of Beam.

    A pipeline of Beam does that when it is made. Who asks for files before there is one has to come here first: without
    any options, not even empty ones, Beam's `s3://` raises an error.

    Args:
        arguments: Options as on a command line; those that have nothing to do with stores do nothing here.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    FileSystems.set_options(PipelineOptions(list(arguments)))


@dataclasses.dataclass(frozen=True)
class Content:
    """What a store says of what a file holds.

    Attributes:
        text: Its size and checksum (etag, MD5, CRC-32C), or without one the time of its last change; "unknown" of a
            file that is not there, or that the store says nothing of.
        has_checksum: Whether it has one.
    """

    text: str
    has_checksum: bool = False


def contents(paths: Sequence[str]) -> dict[str, Content]:
    """What the stores say of what files hold.

    Args:
        paths: Of files in stores, no globs.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(paths, pool.map(_content, paths), strict=True)) if paths else {}


def _content(path: str) -> Content:
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        found = [each for match in FileSystems.match([path]) for each in match.metadata_list if each.path == path]
    except BeamIOError:
        found = []
    if not found:
        return Content("unknown")
    size, changed = found[0].size_in_bytes, found[0].last_updated_in_seconds
    try:
        checksum = str(FileSystems.checksum(path) or "")
    except (BeamIOError, NotImplementedError):
        checksum = ""
    # Some stores of Beam give the size for a checksum.
    if checksum in ("", str(size)):
        return Content(f"{size} changed {changed}")
    return Content(f"{size} {checksum}", has_checksum=True)
