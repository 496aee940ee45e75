"""The last runs of an output folder, as a page, a table or JSON, from the records that each run leaves."""
