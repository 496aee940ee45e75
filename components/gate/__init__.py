"""The gate: TFMA metrics of ranking, their bounds and the report about them."""
