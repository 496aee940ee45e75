"""What somebody has of a data set: a file, an archive or a folder; the files inside, opened by their name."""

import contextlib
import gzip
import hashlib
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from pnfrec_data.errors import DataError

# The second begins an archive without files.
_ZIP_MAGIC, _GZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
# Where a tar archive says what it is.
_TAR_MARK = slice(257, 262)
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_BLOCK = 1 << 20


class Source:
    """A copy of a publisher's file: a zip or tar archive, one file (also gzipped), or the folder unpacked from it.

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
        self.is_tar = path.is_file() and not self.is_zip and _begins_as_tar(path)
        self._entries = self._list()

    @property
    def is_archive(self) -> bool:
        """Whether the files lie inside of one."""
        return self.is_zip or self.is_tar

    def main(self, *names: str) -> str:
        """The entry with the rows, as `open` takes it: a bare file itself, else the first of `names` that is there.

        Raises:
            DataError: There is none of them, or there are several of one name.
        """
        if self.path.is_file() and not self.is_archive:
            return str(self.path)
        entry = self.find(*names)
        if entry is None:
            raise self._missing(" or ".join(names))
        return entry

    def only(self, name: str) -> str:
        """The one entry called `name`, in whatever folder of the source, or beside a bare file.

        Raises:
            DataError: There is none, or there are several, so that the source holds more than one data set.
        """
        found = self.find(name)
        if found is None:
            raise self._missing(name)
        return found

    def _missing(self, expected: str) -> DataError:
        names = sorted(map(os.path.basename, self._entries))
        have = ", ".join(names[:12]) or "nothing"
        packed = next((name for name in names if name.lower().endswith(_ARCHIVES)), None)
        remedy = f"Unpack {packed} first, and name that." if packed else "Is it the right one?"
        return DataError(f"{self.path}: expected {expected} in it. Found: {have}. {remedy}")

    def find(self, *names: str) -> str | None:
        """The first of the files `names` that there is, in whatever folder of the source, or beside a bare file.

        Raises:
            DataError: There are several of that name: the source holds more than one data set, or a copy of it.
        """
        for name in names:
            found = [entry for entry in self._entries if os.path.basename(entry) == name]
            if len(found) > 1:
                msg = (
                    f"{self.path}: holds {len(found)} files called {name}: {', '.join(found[:3])}. Name the folder "
                    "that holds the one you mean."
                )
                raise DataError(msg)
            if found:
                return found[0]
        return None

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
                elif self.is_tar:
                    member = stack.enter_context(tarfile.open(self.path)).extractfile(entry)
                    stream = stack.enter_context(member)  # type: ignore[arg-type]  # None for what is no file
                else:
                    stream = stack.enter_context(Path(entry).open("rb"))
                if stream.read(2) == _GZIP_MAGIC:
                    stream.seek(0)
                    stream = stack.enter_context(gzip.open(stream))  # type: ignore[arg-type]
                else:
                    stream.seek(0)
                yield stream
        except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            msg = f"{self.path}: cannot be read ({error}): damaged or cut off. Get it anew."
            raise DataError(msg) from error

    def sha256(self) -> str:
        """Of an archive or a file without neighbours that matter: the file's. Else over those of all that matter."""
        if self.is_archive:
            return file_digest(self.path)
        bare = str(self.path) if self.path.is_file() else None
        used = [bare, *(entry for name in self.names if (entry := self.find(name)) not in (None, bare))]
        digests = [file_digest(Path(entry)) for entry in used if entry is not None]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def _list(self) -> list[str]:
        if self.is_zip:
            try:
                with zipfile.ZipFile(self.path) as archive:
                    return [name for name in archive.namelist() if not name.endswith("/") and not _is_of_mac(name)]
            except zipfile.BadZipFile as error:
                msg = f"{self.path}: not a whole zip file ({error}). Get it anew."
                raise DataError(msg) from error
        if self.is_tar:
            try:
                with tarfile.open(self.path) as tar:
                    return [member.name for member in tar if member.isfile() and not _is_of_mac(member.name)]
            except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
                msg = f"{self.path}: not a whole tar file ({error}). Get it anew."
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


def _is_of_mac(name: str) -> bool:
    """Whether an entry is what macOS adds to archives: of each file another one of its name, with no content of it."""
    return name.startswith("__MACOSX/") or os.path.basename(name).startswith("._")


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _begins_as_tar(path: Path) -> bool:
    """Whether a file, unpacked by gzip if need be, begins as a tar archive does."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == _GZIP_MAGIC
        with gzip.open(path) if is_gzip else path.open("rb") as file:
            return file.read(_TAR_MARK.stop)[_TAR_MARK] == b"ustar"
    except (EOFError, zlib.error, OSError):
        # What is wrong with it is told by who reads it.
        return False
