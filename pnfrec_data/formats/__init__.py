"""Readers of published files, one module a format.

Each has two functions. `rows(source, say)` yields tables with the columns of `tables.schema` in the order of the file
(which decides between equal timestamps); ids are the text that was published; `say` takes a sentence about rows that
were left out or put together. `titles(source)` yields pairs of item id and title; None where the source has none.
"""
