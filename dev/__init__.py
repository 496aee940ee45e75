"""Development tools: what `make` calls.

Standard library only, and Python 3.8: they run before anything is installed.
"""
