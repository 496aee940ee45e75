"""Settings as people write them: YAML, overrides, and sentences about what is wrong with them."""
