"""The baseline where no ML Metadata can be asked: models that the gate blessed, kept in a folder of their own."""
