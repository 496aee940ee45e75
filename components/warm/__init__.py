"""A warm start from the models of the day before: which they are, and whether they fit."""
