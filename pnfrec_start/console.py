"""What the `pnfrec` command calls first: it sees to the import paths before anything of the project is imported."""

import io
import sys

from pnfrec_core.launch import keep_out_working_folder


def main() -> None:
    """Runs the `pnfrec` command."""
    keep_out_working_folder()
    # As Python does with the standard error: a sign that a terminal or a log cannot show stops no command.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    from pipeline import cli

    cli.main()
