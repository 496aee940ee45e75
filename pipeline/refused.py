"""How a command ends that was called rightly and cannot do what its files ask for."""

import click


class RefusedError(click.ClickException):
    """A configuration or a study that cannot be used: exit status 2, as of wrong usage, but without the usage.

    How the command is called is not what is wrong, and would stand above what is.
    """

    exit_code = 2
