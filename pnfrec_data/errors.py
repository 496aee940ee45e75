"""The error of this package."""


class DataError(Exception):
    """A data set that cannot be had. The message says which file, what was found and what to do."""
