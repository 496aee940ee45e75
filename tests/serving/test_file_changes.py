"""Files that a server reads again when they change, and what it makes of those that it cannot read."""

import errno
import os
from pathlib import Path

import pytest

from serving.access import Tokens
from serving.file_changes import Followed
from tests.serving.conftest import wait_until


def read(path: Path) -> str:
    text = path.read_text()
    if "?" in text:
        msg = f"{path} holds a question"
        raise ValueError(msg)
    return text


def test_what_changed_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    followed = Followed([file, ""], lambda: read(file), "It stays")
    assert (followed.held, followed.refresh()) == ("one", False)
    file.write_text("another")
    assert (followed.refresh(), followed.refresh(), followed.held) == (True, False, "another")


def test_what_cannot_be_used_is_told_once_and_read_when_it_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    followed = Followed([file], lambda: read(file), "It stays")
    file.write_text("what?")
    assert [followed.refresh() for _ in range(3)] == [False] * 3
    assert (followed.held, caplog.messages) == ("one", [f"It stays: {file} holds a question"])
    file.write_text("mended")
    assert (followed.refresh(), followed.held) == (True, "mended")


def test_what_cannot_be_read_for_now_is_tried_again_though_no_file_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    free = True

    def reads_while_there_is_room() -> str:
        if not free:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(file))
        return read(file)

    followed = Followed([file], reads_while_there_is_room, "It stays")
    for text in ("another", "and another"):
        free = False
        file.write_text(text)
        assert [followed.refresh() for _ in range(3)] == [False] * 3
        free = True
        assert (followed.refresh(), followed.held) == (True, text)
    assert caplog.messages == [f"It stays: [Errno 24] Too many open files: '{file}'"] * 2


def test_what_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    texts = ["a whole", "a"]

    def read_as_it_is_written() -> str:
        found = read(file)
        if texts:
            file.write_text(texts.pop())
        return found

    followed = Followed([file], read_as_it_is_written, "It stays")
    assert (followed.refresh(), followed.held) == (False, "one")
    assert (followed.refresh(), followed.held) == (True, "a whole")


def test_a_file_that_the_server_may_read_only_later_counts_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, written = tmp_path / "tokens", tmp_path / "written"
    file.write_text("old")
    tokens = Tokens(file)
    written.write_text("new")
    written.replace(file)

    def refused(path: Path) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr("serving.access.read_tokens", refused)
        assert tokens.refusal("Bearer old") is None
    # It was given to the server's user, which leaves it as it was written.
    assert tokens.refusal("Bearer new") is None
    assert tokens.refusal("Bearer old") is not None


def test_a_file_that_comes_with_its_old_time_counts(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("first")
    before = file.stat()
    tokens = Tokens(file)

    def written_anew() -> bool:
        # As `cp --preserve` does. A file system tells times by ticks of some milliseconds.
        file.write_text("other")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        return file.stat().st_ctime_ns != before.st_ctime_ns

    wait_until(written_anew)
    assert tokens.refusal("Bearer other") is None
    assert tokens.refusal("Bearer first") is not None
