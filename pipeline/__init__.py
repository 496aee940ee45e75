"""Configuration, wiring, runners and the `pnfrec` command. Heavy imports happen inside functions."""
