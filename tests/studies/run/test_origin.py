"""Results of other data or other code are not taken for one's own."""

import os
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
    for name in (
        "pnfrec_keras/network/model.py",
        "pnfrec_keras/export/saved_model.py",
        "components/feedback/rules/protocol.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    (tmp_path / "experiments").mkdir()
    for name in ("bootstrap.py", "inference.py", "trained.py", "trial.py"):
        (tmp_path / "experiments" / name).touch()
    monkeypatch.setattr(origin, "_ROOT", tmp_path)

    def digest(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return origin.code_digest.__wrapped__()

    before = digest("pnfrec_keras/export/saved_model.py", "a = 1\n")
    assert digest("pnfrec_keras/export/saved_model.py", "a = 2\n") == before
    assert digest("pnfrec_keras/network/model.py", "a = 2\n") != before
    assert digest("pnfrec_keras/network/model.py", "a = 1  # one\n") == before
    assert digest("components/feedback/rules/protocol.py", "a = 2\n") != before
    for name in ("bootstrap.py", "inference.py", "trained.py", "trial.py"):
        before = origin.code_digest.__wrapped__()
        assert digest(f"experiments/{name}", "a = 2\n") != before


def test_data_is_what_files_hold_wherever_they_lie(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ratings.csv").write_text("user,item\n")
    found = [origin.data_digest(str(tmp_path / folder), ("*.csv",)) for folder in ("a", "b")]
    assert found[0] == found[1]
    changed = tmp_path / "b" / "ratings.csv"
    changed.write_text("user,film\n")
    os.utime(changed, ns=(1, 1))
    assert origin.data_digest(str(tmp_path / "b"), ("*.csv",)) != found[0]
    assert origin.data_digest(str(tmp_path), ("none.csv",)) == origin.data_digest(str(tmp_path), ())
