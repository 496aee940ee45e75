"""The file that says how an exported model ranks."""

import pytest

from pnfrec_keras.export.ranking import Ranking


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it.json: does not say how a model ranks .* Export the model again"),
        ("[]", "it.json: does not say how a model ranks"),
        ('{"format": 1}', r"it.json: does not say how a model ranks \(KeyError\('rule'\)\)"),
        (Ranking("like_rate", 0, 0, 10, asks_dislikes=False).to_json().replace("1", "2", 1), "must be 1. Received: 2"),
    ],
)
def test_a_file_that_does_not_say_how_a_model_ranks_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ranking.from_json(text, "it.json")
