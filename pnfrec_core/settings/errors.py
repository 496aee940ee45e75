"""The error that settings raise."""


class ConfigError(ValueError):
    """Settings that cannot be used; the message names file, key and remedy."""
