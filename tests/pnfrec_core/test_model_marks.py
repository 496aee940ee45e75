"""The file of marks: what comes back of what was written, and what a damaged one says."""

import os
import threading
from pathlib import Path

import pytest

from pnfrec_core import model_marks
from pnfrec_core.model_marks import ConfigFile, Mark, Marks, MarksError, editing, marks_file, new_mark, read

PINNED = Mark(17, "2026-11-29T07:02:11Z", "ann@host", "they complain")
BAD = Mark(18, "2026-11-29T07:03:00Z", "ann@host", "ü", "d" * 64)
ALL = Marks(PINNED, {"stable": Mark(17), "canary": Mark(19)}, {18: BAD}, ConfigFile("pnfrec", "/models/pnfrec"))


def test_without_a_file_nothing_is_marked(tmp_path: Path) -> None:
    assert read(tmp_path) == read(tmp_path / "missing") == read("gs://bucket/serving") == Marks()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with editing(tmp_path) as draft:
        draft.set(pinned=ALL.pinned, labels=ALL.labels, bad=ALL.bad, config_file=ALL.config_file)
    assert read(tmp_path) == ALL
    assert read(tmp_path).bad_models == {"d" * 64: BAD}
    with editing(tmp_path) as draft:
        draft.set(pinned=None)
    assert read(tmp_path) == Marks(None, ALL.labels, ALL.bad, ALL.config_file)


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with editing(tmp_path) as draft:
        draft.set(pinned=PINNED)
    text = marks_file(tmp_path).read_text()

    def fail(*_: object) -> None:
        msg = "power"
        raise OSError(msg)

    def change(fails: bool) -> None:
        with editing(tmp_path) as draft:
            draft.set(pinned=None)
            if fails:
                fail()

    with pytest.raises(OSError, match="power"):
        change(fails=True)
    monkeypatch.setattr("pnfrec_core.files.os.replace", fail)
    with pytest.raises(OSError, match="power"):
        change(fails=False)
    assert marks_file(tmp_path).read_text() == text


def test_no_name_beside_the_versions_is_taken_for_one(tmp_path: Path) -> None:
    from pnfrec_core.versions import by_version

    with editing(tmp_path) as draft:
        draft.set(pinned=PINNED)
    assert by_version(os.listdir(tmp_path)) == {}


def test_changes_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    def label(number: int) -> None:
        with editing(tmp_path) as draft:
            draft.set(labels={**draft.marks.labels, f"l{number}": Mark(number)})

    threads = [threading.Thread(target=label, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read(tmp_path).labels) == sorted(f"l{number}" for number in range(20))


WHOLE = '{"format": 1, "pinned": null, "labels": {}, "bad": [], "config_file": null}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": 1, "pin', "Unterminated string"),
        ("", "Expecting value"),
        ("[]", "list indices"),
        ('{"format": 1}', "'bad' is missing"),
        (WHOLE.replace("1", "2"), "`format` is 2, and this pnfrec reads 1"),
        (WHOLE.replace('"bad"', '"pins": 1, "bad"'), "unknown: 'pins'"),
        (WHOLE.replace("[]", '[{"version": "18"}]'), "not a mark"),
        (WHOLE.replace("[]", '[{"version": true}]'), "not a mark"),
        (WHOLE.replace("[]", '[{"version": 18, "who": 7}]'), "not a mark"),
        (WHOLE.replace("[]", '[{"vers": 18}]'), "unexpected keyword"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, content: str | bytes, said: str) -> None:
    file = marks_file(tmp_path)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MarksError) as caught:
        read(tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    assert said in text
    assert f"move it away (mv {file} {file}.damaged)" in text
    with pytest.raises(MarksError), editing(tmp_path):
        pass
    assert file.read_bytes() == (content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("marks", "there", "serving"),
    [
        (Marks(), [], None),
        (Marks(), [3, 10, 9], 10),
        (Marks(pinned=Mark(3)), [3, 10], 3),
        (Marks(pinned=Mark(4)), [3, 10], 10),  # its folder is gone
        (Marks(bad={10: Mark(10)}), [3, 10, 9], 9),
        (Marks(pinned=Mark(10), bad={10: Mark(10)}), [3, 10], 3),
        (Marks(bad={10: Mark(10)}), [10], None),
    ],
)
def test_the_pinned_version_serves_else_the_newest_good_one(
    marks: Marks, there: list[int], serving: int | None
) -> None:
    assert marks.serving(there) == serving


def test_a_mark_tells_when_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "host")
    mark = new_mark(3, "why")
    assert (mark.version, mark.who, mark.reason) == (3, "ann@host", "why")
    assert str(mark) == f"{mark.time} by ann@host: why"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert new_mark(3).who == f"{os.getuid()}@host"


@pytest.mark.parametrize("label", ["", "a b", "-x", "a/b", "a:b", "x" * 64])
def test_what_no_path_of_rest_can_carry_is_no_label(label: str) -> None:
    with pytest.raises(MarksError, match="A label is of letters"):
        model_marks.check_label(label)
