"""The beginning of the `pnfrec` command. Its name is one that no folder of a user has."""
