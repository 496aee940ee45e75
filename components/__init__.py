"""TFX components around `pnfrec_keras`: feedback ingestion, training, evaluation and their gates."""
