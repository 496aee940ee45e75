"""Results of other data or other code are not taken for one's own."""

from pathlib import Path

import pytest

from studies.run import origin


def test_only_what_code_does_is_in_its_digest() -> None:
    plain = "def f(x):\n    return x + 1\n"
    documented = '"""Of f."""\n\ndef f(x):\n    """Adds."""\n    return (x + 1)  # one\n'
    assert origin.meaning(plain) == origin.meaning(documented)
    assert origin.meaning(plain) != origin.meaning(plain.replace("1", "2"))
    assert origin.meaning("x = 'a'\n'b'\n") != origin.meaning("x = 'a'\n")


def test_the_network_and_feedbackgen_are_in_it_and_the_export_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        "pnfrec_keras/network/model.py",
        "pnfrec_keras/export/saved_model.py",
        "components/feedback/rules/protocol.py",
        *(source for source in origin._SOURCES if source.endswith(".py")),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    monkeypatch.setattr(origin, "_ROOT", tmp_path)

    def digest(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return origin.code_digest.__wrapped__()

    before = digest("pnfrec_keras/export/saved_model.py", "a = 1\n")
    assert digest("pnfrec_keras/export/saved_model.py", "a = 2\n") == before
    assert digest("pnfrec_keras/network/model.py", "a = 2\n") != before
    assert digest("pnfrec_keras/network/model.py", "a = 1  # one\n") == before
    assert digest("components/feedback/rules/protocol.py", "a = 2\n") != before
    for name in names[3:]:
        before = origin.code_digest.__wrapped__()
        assert digest(name, "a = 2\n") != before
