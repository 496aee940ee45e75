"""Names of the properties by which the artifact `pushed_model` says what became of a model."""

from typing import Final

# These two are of TFX's Pusher.
DESTINATION: Final = "pushed_destination"
VERSION: Final = "pushed_version"
# 1 where the run pushed that version, 0 where it was there already.
IS_NEW: Final = "is_new"
