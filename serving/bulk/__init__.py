"""Lists for every user of a feedback source at once, without a server: what `pnfrec recommend` does after Beam."""
