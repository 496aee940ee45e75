"""What the registry holds of a data set: address, terms and what its files must hold."""

import dataclasses
from typing import Final

DIGITS: Final = "[0-9]+"

Counts = tuple[int, int | None, int | None]


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file at the publisher's.

    Attributes:
        url: Where.
        name: What it is called here.
        size: Bytes, where known.
        sha256: Checksum, where known: those of MovieLens are the ones that TensorFlow Datasets verifies, those of
            MovieTweetings belong to the files that the rows of this repository were made of.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None


@dataclasses.dataclass(frozen=True)
class Contract:
    """What the rows of a data set hold.

    Attributes:
        user: A regular expression that the ids of users match.
        item: The same of items.
        values: The least and the greatest value.
        years: The first and the last year of the times; None where they are no moments.
        milliseconds: Whether the times are milliseconds, and not seconds.
        missing: The largest share of rows without a value.
        spread: Whether the values of a whole file go from about the least to about the greatest one.
    """

    user: str = DIGITS
    item: str = DIGITS
    values: tuple[float, float] = (0.0, 1.0)
    years: tuple[int, int] | None = None
    milliseconds: bool = False
    missing: float = 0.0
    spread: bool = True


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A published data set.

    Attributes:
        name: In commands, and of its folder below `data/`.
        title: As the publisher calls it.
        about: What is in it.
        page: The publisher's.
        files: What to download.
        format: Module of `pnfrec_data.formats` that reads it.
        parts: Names of the files that are read, inside of archive or folder.
        licence: The terms, as far as they are known.
        citation: What to cite.
        counts: Rows, users and items that preparing must give; None where nobody has published them. Of one of the
            three that is not known, None.
        contract: What every row holds.
        rounded_to: The published counts are multiples of it.
        others: Further files that preparing writes beside the ratings, of the same columns.
        titles: File of titles that preparing writes, where the publisher has titles.
        wheel: Package, version and folder inside of it where a copy can be had as well.
    """

    name: str
    title: str
    about: str
    page: str
    files: tuple[RemoteFile, ...]
    format: str
    parts: tuple[str, ...]
    licence: str
    citation: str
    counts: Counts | None
    contract: Contract
    rounded_to: int = 1
    others: tuple[str, ...] = ()
    titles: str = "items.csv"
    wheel: tuple[str, str, str] | None = None
