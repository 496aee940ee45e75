"""Archives of arrays, whole and damaged."""

from pathlib import Path

import numpy as np
import pytest

from pnfrec_core.arrays import DamagedArchiveError, read_arrays


def archive(path: Path) -> bytes:
    np.savez_compressed(path, one=np.arange(1000), two=np.array(["a"]))
    return path.read_bytes()


def encrypted(whole: bytes) -> bytes:
    """The flag of encryption set, in the header of the first member and in the directory."""
    place = whole.index(b"PK\x01\x02") + 8
    marked = whole[:place] + bytes([whole[place] | 1]) + whole[place + 1 :]
    return marked[:6] + bytes([marked[6] | 1]) + marked[7:]


def scribbled(whole: bytes) -> bytes:
    """Other bytes in the midst of a compressed member."""
    return whole[:120] + b"\xff" * 40 + whole[160:]


def test_an_archive_is_read_whole(tmp_path: Path) -> None:
    archive(tmp_path / "whole.npz")
    found = read_arrays(tmp_path / "whole.npz")
    assert {name: array.tolist() for name, array in found.items()} == {"one": list(range(1000)), "two": ["a"]}


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "single.npy", np.arange(3))
    with pytest.raises(DamagedArchiveError, match=r"^it holds a single array, not an archive of arrays$"):
        read_arrays(tmp_path / "single.npy")


@pytest.mark.parametrize("kind", ["empty", "text", "half", "encrypted", "scribbled"])
def test_every_damage_is_one_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    whole = archive(path)
    damaged = {
        "empty": b"",
        "text": b"no archive",
        "half": whole[: len(whole) // 2],
        "encrypted": encrypted(whole),
        "scribbled": scribbled(whole),
    }
    path.write_bytes(damaged[kind])
    with pytest.raises(DamagedArchiveError):
        read_arrays(path)
