"""The Beam pipeline: its graph, the steps on shards, and what is known of all shards together."""
