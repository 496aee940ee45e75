"""A search for the settings that the Trainer then takes, on validation."""
