"""The model card: what a pushed model was made of, what was measured of it, and what it is not for."""
