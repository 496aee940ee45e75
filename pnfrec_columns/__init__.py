"""How ids, times and values are read from a column, whatever they are stored as: the one reading of all users."""
