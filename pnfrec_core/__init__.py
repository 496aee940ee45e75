"""The ground floor: words, measures and files that all other packages share.

Needs the standard library, numpy and yaml; imports nothing else of this project.
"""
