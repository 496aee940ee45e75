"""Downloads from a server on this machine: cut off, without ranges, changed, wrong, absent."""

import fcntl
import hashlib
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from pnfrec_data.dataset import RemoteFile
from pnfrec_data.fetch import Fetched, FetchError, fetch
from tests.pnfrec_data.server import Site, served

CONTENT = bytes(range(256)) * 1200
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NO_WAIT = (0.0, 0.0)


def get(site: Site, folder: Path, recorded: str | None = None, **known: object) -> Fetched:
    file = RemoteFile(site.url(), "file.zip", **known)  # type: ignore[arg-type]
    return fetch(file, folder, lambda *_: None, recorded, NO_WAIT, timeout=5)


def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    with served(Site(CONTENT)) as site:
        seen: list[tuple[int, int | None]] = []
        file = RemoteFile(site.url(), "file.zip", len(CONTENT), DIGEST)
        first = fetch(file, tmp_path, lambda done, total, *_: seen.append((done, total)))
        again = fetch(file, tmp_path, lambda *_: None)
    assert (first.sha256, first.downloaded, again.downloaded) == (DIGEST, True, False)
    assert first.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert site.asked == [None]
    assert os.listdir(tmp_path) == ["file.zip"]


def test_a_cut_connection_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with served(Site(CONTENT, cuts=[100_000, 70_000])) as site:
        found = get(site, tmp_path, sha256=DIGEST)
    assert found.path.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-", "bytes=170000-"]


def test_what_came_before_the_last_attempt_is_kept_for_the_next_call(tmp_path: Path) -> None:
    with served(Site(CONTENT, cuts=[100_000, 0, 0, 0])) as site:
        with pytest.raises(FetchError, match=r"cut after 100,000 of 307,200 bytes\. What came is kept"):
            get(site, tmp_path)
        assert (tmp_path / "file.zip.part").stat().st_size == 100_000
        assert not (tmp_path / "file.zip").exists()
        site.cuts.clear()
        assert get(site, tmp_path).sha256 == DIGEST
    assert site.asked[-1] == "bytes=100000-"


def test_two_downloads_at_once_do_not_add_to_one_file(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    with served(Site(CONTENT)) as site:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(FetchError, match=f"another process is downloading to {tmp_path}. Wait for it"):
            get(site, tmp_path)
        assert os.listdir(tmp_path) == []
        os.close(handle)
        assert get(site, tmp_path).sha256 == DIGEST


def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    with served(Site(CONTENT, ranges=False, cuts=[100_000])) as site:
        assert get(site, tmp_path).sha256 == DIGEST
    assert site.asked == [None, "bytes=100000-"]


def test_two_versions_of_a_file_are_never_put_together(tmp_path: Path) -> None:
    with served(Site(CONTENT, cuts=[100_000, 0, 0, 0])) as site:
        with pytest.raises(FetchError):
            get(site, tmp_path)
        site.content, site.etag, site.cuts = CONTENT[::-1], '"v2"', []
        assert get(site, tmp_path).path.read_bytes() == CONTENT[::-1]


def test_a_part_that_is_whole_already_needs_no_more_bytes(tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    with served(Site(CONTENT)) as site:
        assert get(site, tmp_path, sha256=DIGEST).sha256 == DIGEST
    (tmp_path / "file.zip").unlink()
    (tmp_path / "file.zip.part").write_bytes(CONTENT + b"more")
    with served(Site(CONTENT)) as site:
        assert get(site, tmp_path, sha256=DIGEST).path.read_bytes() == CONTENT


def test_a_wrong_checksum_is_set_aside(tmp_path: Path) -> None:
    with (
        served(Site(CONTENT)) as site,
        pytest.raises(FetchError, match=rf"sha256 {DIGEST}, expected {'0' * 64}") as error,
    ):
        get(site, tmp_path, sha256="0" * 64)
    assert str(tmp_path / "file.zip.rejected") in str(error.value)
    assert os.listdir(tmp_path) == ["file.zip.rejected"]


def test_without_a_published_checksum_the_recorded_one_counts(tmp_path: Path) -> None:
    with served(Site(CONTENT)) as site:
        with pytest.raises(FetchError, match=f"an earlier download had {'1' * 64}"):
            get(site, tmp_path, recorded="1" * 64)
        assert get(site, tmp_path, recorded=DIGEST).downloaded
        (tmp_path / "file.zip").write_bytes(b"other")
        with pytest.raises(FetchError, match="Remove the file to download it anew"):
            get(site, tmp_path, recorded=DIGEST)


def test_another_size_than_known_is_refused_before_it_is_downloaded(tmp_path: Path) -> None:
    with served(Site(CONTENT)) as site, pytest.raises(FetchError, match="offers 307,200 bytes, expected 5"):
        get(site, tmp_path, size=5)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 1)])
def test_a_refusal_names_the_status(tmp_path: Path, status: int, tries: int) -> None:
    with (
        served(Site(CONTENT, status=status)) as site,
        pytest.raises(FetchError, match=f"the server answered {status} "),
    ):
        get(site, tmp_path)
    assert len(site.asked) == tries


def test_no_connection_fails_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("It waits, to try again."))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and not listening
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/file.zip"
        with pytest.raises(FetchError, match=r"no connection \(.*refused"):
            fetch(RemoteFile(address, "file.zip"), tmp_path, lambda *_: None)


def test_a_full_disk_is_noticed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with served(Site(CONTENT)) as site, pytest.raises(FetchError, match="1,000 bytes free, 307,200 are needed"):
        get(site, tmp_path)
