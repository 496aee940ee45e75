"""Files of tokens, for servers and clients. `test_secure` says whom they let in."""

from pathlib import Path

import pytest

from serving import errors
from serving.access import Tokens
from serving.client import RecommenderClient
from serving.connection import read_token, read_tokens

TOKEN = "0123456789abcdef"


def test_a_file_that_everybody_may_read_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    file.chmod(0o600)
    Tokens(file)
    assert caplog.messages == []
    file.chmod(0o644)
    Tokens(file)
    assert caplog.messages == [f"Every user of this machine may read the tokens of {file}: `chmod o= {file}`."]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", r"holds no token\. Write one a line"),
        (b"# none yet\n", r"holds no token\. Write one a line"),
        (b"good\ntwo words\n", r"line 2: a token has no blanks"),
        ("schlüssel".encode(), "of letters, digits and signs of ASCII"),
    ],
)
def test_a_file_without_usable_tokens_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=text):
        read_tokens(file)
    with pytest.raises(errors.ServerStartError, match=text):
        Tokens(file)


def test_the_first_token_of_a_file_is_the_clients(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# ours\n {TOKEN} \nother\n")
    assert read_token(file) == TOKEN


def test_a_token_in_the_clear_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    RecommenderClient("127.0.0.1:1", token=TOKEN).close()
    assert caplog.messages == []
    RecommenderClient("films.example:8500", token=TOKEN).close()
    assert len(caplog.messages) == 1
    assert "goes over the network as readable text" in caplog.messages[0]
    assert TOKEN not in caplog.text
