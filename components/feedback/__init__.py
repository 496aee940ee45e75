"""From files of feedback to examples, item vocabulary and statistics (Beam)."""
