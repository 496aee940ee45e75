"""How items are scored, filtered, ranked and measured."""
