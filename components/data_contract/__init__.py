"""The data contract: the curated schema that ExampleValidator holds the statistics against."""

import pathlib
from typing import Final

# For CuratedSchema.
SCHEMA_FILE: Final = pathlib.Path(__file__).with_name("schema.pbtxt")
