"""The commands `pnfrec experiment`, `pnfrec compare` and `pnfrec results`."""
