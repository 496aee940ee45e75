"""Asks stores of objects for files, and prints a line for each that is not there: the path, a tab, the reason.

What begins with `--` is an option of Beam, which the stores are opened with.

A process of its own, since Beam takes seconds to import, and so that a store that does not answer can be left.
"""

import sys
from collections.abc import Iterator, Sequence

import click


def missing(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Those of the paths or globs that lead to no file, and why."""
    from apache_beam.io.filesystems import FileSystems

    for path in paths:
        try:
            found = any(match.metadata_list for match in FileSystems.match([path]))
        except Exception as error:
            yield path, " ".join(str(error).split()).rstrip(".") + "."
        else:
            if not found:
                yield path, "there is no such file."


def main(arguments: Sequence[str]) -> None:
    from components.feedback.reading.stores import open_stores_with

    open_stores_with([argument for argument in arguments if argument.startswith("--")])
    paths = [argument for argument in arguments if not argument.startswith("--")]
    for path, reason in missing(paths):
        click.echo(f"{path}\t{reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
