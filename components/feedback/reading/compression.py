"""The bytes inside compressed files, and files that are something else than what they are taken for."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import IO, Any

import pyarrow as pa

from components.feedback.reading.suffixes import zip_members

# How files begin that are no UTF-8 text, and the remedy.
_BEGINS = {
    b"PAR1": "is a Parquet file. Name it .parquet, or set `feedback.format: parquet`",
    b"\x1f\x8b": "is compressed by gzip. Add .gz to its name",
    b"BZh": "is compressed by bzip2. Add .bz2 to its name",
    b"\xfd7zXZ\0": "is compressed by xz. Add .xz to its name",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd. Add .zst to its name",
    b"PK\x03\x04": "is a zip archive. Unpack it, and name the files in it",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive. Unpack it, and name the files in it",
    b"ORC": "is an ORC file. Convert it to Parquet",
    b"Obj\x01": "is an Avro file. Convert it to Parquet",
    b"\xff\xfe": "is UTF-16 text. Save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text. Save it as UTF-8",
}
# These bytes may begin text as well: what follows them there is no text.
_MAY_BE_TEXT = (b"BZh", b"ORC")
_TAR_MARK = slice(257, 262)
_BLOCK_BYTES = 1 << 18


class _Parts(io.RawIOBase):
    """The bytes inside a compressed stream of one part or several, one behind another, with zeros between or behind.

    Python's own readers take whatever else comes behind the first part for the end of the file, without a word: also
    a further part that is damaged where it begins. A stream of no byte holds none, as of the other compressions.
    """

    def __init__(self, raw: IO[bytes], new: Callable[[], Any]) -> None:
        """`new`: makes the decompressor of a part."""
        self._raw, self._new = raw, new
        self._part = new()
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size, found = len(buffer), b""
        while not found:
            block = b""
            if self._part.eof:
                if not (block := self._next_part()):
                    return 0
                self._part = self._new()
            elif self._part.needs_input and not (block := self._raw.read(_BLOCK_BYTES)):
                if not self._begun:
                    return 0
                msg = "Compressed file ended before the end-of-stream marker was reached"
                raise EOFError(msg)
            self._begun = True
            found = self._part.decompress(block, size)
        buffer[: len(found)] = found
        return len(found)

    def _next_part(self) -> bytes:
        """What comes behind a part that has ended, from its first byte that is not zero; nothing at the end."""
        rest: bytes = self._part.unused_data.lstrip(b"\0")
        while not rest and (block := self._raw.read(_BLOCK_BYTES)):
            rest = block.lstrip(b"\0")
        return rest


def decompressed(raw: IO[bytes], kind: str | None, *, in_arrow: bool = False) -> Any:
    """The bytes inside a compressed stream, of all its parts; the stream itself where `kind` is None.

    Args:
        raw: The compressed bytes.
        kind: One of the values of `suffixes.COMPRESSIONS`.
        in_arrow: Whether Arrow alone reads it, which unzips faster than Python.
    """
    if kind == "gzip":
        return pa.CompressedInputStream(raw, "gzip") if in_arrow else gzip.GzipFile(fileobj=raw)
    if kind == "bzip2":
        return io.BufferedReader(_Parts(raw, bz2.BZ2Decompressor))
    if kind == "xz":
        return io.BufferedReader(_Parts(raw, lzma.LZMADecompressor))
    return pa.CompressedInputStream(raw, "zstd") if kind == "zstd" else raw


def foreign_content(head: bytes, path: str = "") -> str | None:
    """What a file is that begins as no UTF-8 text does, and the remedy; None if it may be text.

    Args:
        head: Its first bytes.
        path: Where it is, if it is on this machine.
    """
    for start, text in _BEGINS.items():
        if head.startswith(start) and (start not in _MAY_BE_TEXT or b"\0" in head or not _is_utf8(head)):
            return text + zip_members(path) if start.startswith(b"PK") else text
    if head[_TAR_MARK] == b"ustar":
        return "is a tar archive. Unpack it, and name the files in it"
    if b"\0" in head:
        return "holds NUL bytes, so it is no UTF-8 text. Save it as UTF-8 text, or name it by what it is"
    return None


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut off.
        return error.start > len(head) - 4
    return True
