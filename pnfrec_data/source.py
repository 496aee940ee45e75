"""What somebody has of a data set: a file, an archive or a folder; the files inside, opened by their name."""

import contextlib
import gzip
import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from pnfrec_data.errors import DataError

# The second begins an archive without files.
_ZIP_MAGIC, _GZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
_BLOCK = 1 << 20


class Source:
    """A copy of a publisher's file: a zip, one file (also gzipped), or the folder that was unpacked from it.

    What a file is, is told by how it begins: downloads go by many names. Only `.zip` is taken at its word, since what
    else comes under that name is a page about an error, or another file's content.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """A copy at `path`, of which the files `names` matter.

        Raises:
            DataError: There is none, or it is called `.zip` and is no zip archive.
        """
        self.path = path
        self.names = names
        if not path.exists():
            msg = f"{path}: there is no such file or folder."
            raise DataError(msg)
        begin = _beginning(path) if path.is_file() else b""
        self.is_zip = begin.startswith(_ZIP_MAGIC)
        if path.is_file() and path.suffix.lower() == ".zip" and not self.is_zip:
            msg = (
                f"{path}: is no zip archive: expected it to begin with {_ZIP_MAGIC[0]!r}. Received {begin!r}. If it is "
                f"one of the files {', '.join(names)}, give it that name; else get the archive anew."
            )
            raise DataError(msg)
        self._entries = self._list()

    def main(self, *names: str) -> str:
        """The entry with the rows, as `open` takes it: a bare file itself, else the first of `names` that is there.

        Raises:
            DataError: There is none of them.
        """
        if self.path.is_file() and not self.is_zip:
            return str(self.path)
        entry = self.find(*names)
        if entry is None:
            have = ", ".join(sorted(map(os.path.basename, self._entries))[:12]) or "nothing"
            msg = f"{self.path}: expected {' or '.join(names)} in it. Found: {have}. Is it the right one?"
            raise DataError(msg)
        return entry

    def find(self, *names: str) -> str | None:
        """The first of the files `names` that there is, in whatever folder of the source, or beside a bare file."""
        found = {os.path.basename(entry): entry for entry in reversed(self._entries)}
        return next((found[name] for name in names if name in found), None)

    @contextlib.contextmanager
    def open(self, entry: str) -> Iterator[IO[bytes]]:
        """Opens a file that `find` named, unpacked.

        Raises:
            DataError: It is damaged; also while it is read inside the context.
        """
        try:
            with contextlib.ExitStack() as stack:
                stream: IO[bytes]
                if self.is_zip:
                    stream = stack.enter_context(stack.enter_context(zipfile.ZipFile(self.path)).open(entry))
                else:
                    stream = stack.enter_context(Path(entry).open("rb"))
                if stream.read(2) == _GZIP_MAGIC:
                    stream.seek(0)
                    stream = stack.enter_context(gzip.open(stream))  # type: ignore[arg-type]
                else:
                    stream.seek(0)
                yield stream
        except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            msg = f"{self.path}: cannot be read ({error}): damaged or cut off. Get it anew."
            raise DataError(msg) from error

    def sha256(self) -> str:
        """Of a zip or a bare file without neighbours that matter: the file's. Else over those of all that matter."""
        if self.is_zip:
            return file_digest(self.path)
        bare = str(self.path) if self.path.is_file() else None
        used = [bare, *(entry for name in self.names if (entry := self.find(name)) not in (None, bare))]
        digests = [file_digest(Path(entry)) for entry in used if entry is not None]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def _list(self) -> list[str]:
        if self.is_zip:
            try:
                with zipfile.ZipFile(self.path) as archive:
                    return [name for name in archive.namelist() if not name.endswith("/")]
            except zipfile.BadZipFile as error:
                msg = f"{self.path}: not a whole zip file ({error}). Get it anew."
                raise DataError(msg) from error
        if self.path.is_dir():
            return sorted(str(path) for path in self.path.rglob("*") if path.is_file())
        return sorted(str(path) for path in self.path.parent.iterdir() if path.is_file())


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of the file at `path`."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)
