"""The SavedModel that serving and the gate ask."""
