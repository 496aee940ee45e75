"""Training inside TFX: hands artifacts to `pnfrec_keras`."""
