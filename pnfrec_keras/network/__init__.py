"""The network (spec, section 3)."""
