"""What the `pnfrec` command calls first: it sees to the import paths before anything of the project is imported."""

from pnfrec_core.launch import keep_out_working_folder


def main() -> None:
    """Runs the `pnfrec` command."""
    keep_out_working_folder()
    from pipeline import cli

    cli.main()
