"""The ranks that lie with a study."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from studies.results.ranks import Judged, Ranks, ResultError, differences
from studies.results.stored import DEEPEST, load, store


def ranks(rank: list[list[int]], users: list[str]) -> Ranks:
    liked = np.arange(len(users)) % 2
    return Ranks(np.array(rank), liked, np.array(users), np.arange(len(users)) + 3)


def study(deepest: int = 3000, users: tuple[str, ...] = ("u10", "u9", "é", "u10")) -> Judged:
    """Two arms, two draws of test users."""
    generator = np.random.default_rng(0)
    draws = {
        draw: {
            name: ranks(generator.integers(0, deepest, (seeds, len(users))).tolist(), list(users))
            for name, seeds in (("popular", 1), ("a, b: c/d", 3))
        }
        for draw in (42, 43)
    }
    return Judged(draws, {42: "0f", 43: "1e"})


def test_buckets_are_kept_where_they_are_known(tmp_path: Path) -> None:
    whole = study()
    for arms in whole.draws.values():
        for name, own in arms.items():
            arms[name] = dataclasses.replace(own, bucket=np.array([0, 2, 1, 2]))
    store(whole, tmp_path / "ranks.npz", 10)
    found = load(tmp_path / "ranks.npz").draws[43]["popular"].bucket
    assert found is not None
    assert found.tolist() == [0, 2, 1, 2]
    store(study(), tmp_path / "ranks.npz", 10)
    assert load(tmp_path / "ranks.npz").draws[43]["popular"].bucket is None


def test_what_is_read_is_what_was_stored(tmp_path: Path) -> None:
    whole = study(deepest=DEEPEST + 1)
    store(whole, tmp_path / "ranks.npz", 10)
    found = load(tmp_path / "ranks.npz")
    assert found.targets == whole.targets
    assert found.arms() == ["popular", "a, b: c/d"]
    for draw, arms in whole.draws.items():
        for arm, expected in arms.items():
            own = found.draws[draw][arm]
            for name in ("rank", "is_positive", "place"):
                assert np.array_equal(getattr(own, name), getattr(expected, name)), name
            assert own.user.tolist() == [0, 1, 2, 0], "numbers in the order of the ids"
    with np.load(tmp_path / "ranks.npz") as arrays:
        texts = {name for name, array in arrays.items() if array.dtype.kind not in "iub"}
    assert texts == {"arms", "targets"}, "no id is kept"


def test_the_differences_are_those_of_the_ranks(tmp_path: Path) -> None:
    whole = study(deepest=200)
    store(whole, tmp_path / "ranks.npz", 150)
    found = load(tmp_path / "ranks.npz")
    for k in (10, 150):
        expected = differences(whole, "popular", whole, "a, b: c/d", k)
        assert set(expected) == {"ndcg_p", "ndcg_n", "ndcg_delta", "hr_p", "hr_n", "hr_delta"}
        assert differences(found, "popular", found, "a, b: c/d", k) == expected
    store(whole, tmp_path / "ranks.npz", 10)
    shallow = load(tmp_path / "ranks.npz").draws[42]["popular"].rank
    rank = whole.draws[42]["popular"].rank
    assert np.array_equal(shallow, np.where(rank <= DEEPEST, rank, 0))


def test_the_same_ranks_give_the_same_bytes(tmp_path: Path) -> None:
    whole = study()
    for name in ("one.npz", "two.npz"):
        store(whole, tmp_path / name, 10)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "ranks.npz"
    with pytest.raises(ResultError, match=r"There is no .*ranks.npz.*Run it again"):
        load(path)
    store(study(), path, 10)
    whole = path.read_bytes()
    arrays = dict(np.load(path))
    del arrays["43_rank_1"]
    np.savez(tmp_path / "lacking.npz", **arrays)
    np.save(tmp_path / "lone.npy", np.arange(3))
    encrypted = whole[:6] + bytes([whole[6] | 1]) + whole[7:]
    start = encrypted.index(b"PK\x01\x02") + 8
    encrypted = encrypted[:start] + bytes([encrypted[start] | 1]) + encrypted[start + 1 :]
    others = [(tmp_path / name).read_bytes() for name in ("lacking.npz", "lone.npy")]
    for content in (b"", b"no archive", whole[: len(whole) // 2], encrypted, *others):
        path.write_bytes(content)
        with pytest.raises(ResultError, match=r"ranks.npz is damaged \(.*\). Write it again"):
            load(path)
