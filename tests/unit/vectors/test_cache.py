import multiprocessing
import re
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samesense.core.errors import CacheError
from samesense.vectors.cache import VectorCache

FINGERPRINT = "f" * 64


def _vectors(count: int, *, width: int = 8, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def _keys(count: int, *, start: int = 0) -> list[str]:
    return [f"{number:064x}" for number in range(start, start + count)]


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path, fingerprint=FINGERPRINT)


def test_an_empty_cache_lacks_everything_once_and_in_order(cache: VectorCache) -> None:
    assert cache.missing(["b", "a", "b"]) == ["b", "a"]
    assert (len(cache), cache.width, "a" in cache) == (0, None, False)


def test_vectors_come_back_exactly_in_the_order_asked_for(cache: VectorCache) -> None:
    z_ND = _vectors(5)
    cache.put(_keys(3), z_ND[:3])
    cache.put(_keys(2, start=3), z_ND[3:])
    order = [4, 0, 3, 0, 2]
    np.testing.assert_array_equal(cache.get([_keys(5)[i] for i in order]), z_ND[order])
    assert cache.get([]).shape == (0, 8)
    assert (len(cache), cache.width) == (5, 8)


def test_another_instance_sees_parts_written_after_it_looked(tmp_path: Path) -> None:
    reader = VectorCache(tmp_path, fingerprint=FINGERPRINT)
    assert reader.missing(["a"]) == ["a"]
    VectorCache(tmp_path, fingerprint=FINGERPRINT).put(["a"], np.ones((1, 4), np.float32))
    assert reader.missing(["a"]) == []
    np.testing.assert_array_equal(reader.get(["a"]), np.ones((1, 4)))


def test_fingerprints_do_not_meet(tmp_path: Path, cache: VectorCache) -> None:
    cache.put(["a"], np.ones((1, 4), np.float32))
    assert VectorCache(tmp_path, fingerprint="e" * 64).missing(["a"]) == ["a"]


def test_bfloat16_halves_the_vectors_and_float32_parts_stay_readable(tmp_path: Path) -> None:
    z_ND = _vectors(256, width=512)
    VectorCache(tmp_path, fingerprint=FINGERPRINT).put(_keys(256), z_ND)
    half = VectorCache(tmp_path, fingerprint=FINGERPRINT, dtype="bfloat16")
    half.put(_keys(256, start=256), z_ND)
    small, large = sorted(path.stat().st_size for path in half.folder.iterdir())
    assert 0.45 < small / large < 0.55
    both_ND = half.get(_keys(512))
    np.testing.assert_array_equal(both_ND[:256], z_ND)
    np.testing.assert_allclose(both_ND[256:], z_ND, rtol=2**-8)
    assert not np.array_equal(both_ND[256:], z_ND)


def test_the_same_put_twice_is_one_part(cache: VectorCache) -> None:
    for _ in range(2):
        cache.put(_keys(3), _vectors(3))
    assert len(list(cache.folder.iterdir())) == 1


def test_a_key_in_two_parts_counts_once(cache: VectorCache) -> None:
    z_ND = _vectors(3)
    cache.put(_keys(2), z_ND[:2])
    cache.put(_keys(2, start=1), z_ND[1:])
    assert len(cache) == 3
    np.testing.assert_array_equal(cache.get(_keys(3)), z_ND)


def test_missing_vectors_are_counted_and_named(cache: VectorCache) -> None:
    cache.put(["a"], np.ones((1, 4), np.float32))
    with pytest.raises(CacheError, match=r"4 of 5 vectors are missing: b, c, d and 1 more"):
        cache.get(["a", "b", "c", "d", "e"])


def test_another_width_is_refused(tmp_path: Path, cache: VectorCache) -> None:
    cache.put(["a"], np.ones((1, 4), np.float32))
    with pytest.raises(CacheError, match="holds vectors of width 4, got 5"):
        VectorCache(tmp_path, fingerprint=FINGERPRINT).put(["b"], np.ones((1, 5), np.float32))


def test_parts_of_two_widths_are_named(tmp_path: Path, cache: VectorCache) -> None:
    cache.put(["a"], np.ones((1, 4), np.float32))
    VectorCache(tmp_path, fingerprint="e").put(["b"], np.ones((1, 5), np.float32))
    (foreign,) = (tmp_path / "e").iterdir()
    foreign.rename(cache.folder / "foreign.parquet")
    with pytest.raises(CacheError, match=r"foreign\.parquet.*width"):
        VectorCache(tmp_path, fingerprint=FINGERPRINT).missing(["a"])


@pytest.mark.parametrize(
    ("keys", "z_ND", "message"),
    [
        (["a"], np.ones((2, 4)), "1 keys for vectors of shape (2, 4)"),
        (["a"], np.ones(4), "1 keys for vectors of shape (4,)"),
        (["a", "b"], np.array([[1.0], [np.nan]]), "not finite: b"),
    ],
)
def test_what_is_no_vector_is_refused(
    cache: VectorCache, keys: list[str], z_ND: npt.NDArray[np.float64], message: str
) -> None:
    with pytest.raises(CacheError, match=re.escape(message)):
        cache.put(keys, z_ND)
    assert not cache.folder.exists()


def test_a_fingerprint_cannot_lead_out_of_the_root(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="cannot name a folder"):
        VectorCache(tmp_path, fingerprint="../other")


def test_torn_and_foreign_files_are_named_and_passed_over(cache: VectorCache) -> None:
    cache.put(["a"], np.ones((1, 4), np.float32))
    (whole,) = cache.folder.iterdir()
    (cache.folder / "torn.parquet").write_bytes(whole.read_bytes()[:-20])
    (cache.folder / "empty.parquet").touch()
    pq.write_table(pa.table({"key": ["x"]}), cache.folder / "foreign.parquet")
    (cache.folder / ".whatever.parquet").write_bytes(b"an unfinished write")
    (cache.folder / f".{whole.name}.123.tmp").write_bytes(b"an unfinished write")
    with pytest.warns(UserWarning, match="passed over") as caught:
        assert cache.missing(["a", "x"]) == ["x"]
    assert sorted(re.findall(r"(\w+)\.parquet", "".join(str(w.message) for w in caught))) == [
        "empty",
        "foreign",
        "torn",
    ]
    assert len(cache) == 1


def test_thousands_of_parts_are_readable_and_a_second_get_is_fast(cache: VectorCache) -> None:
    z_ND = _vectors(10_000, width=256)
    keys = _keys(10_000)
    for start in range(0, 10_000, 10):
        cache.put(keys[start : start + 10], z_ND[start : start + 10])
    np.testing.assert_array_equal(cache.get(keys[::-1]), z_ND[::-1])
    started = time.perf_counter()
    cache.get(keys)
    assert time.perf_counter() - started < 0.1


def _write_parts(root: str, worker: int) -> None:
    cache = VectorCache(root, fingerprint=FINGERPRINT)
    for part in range(10):
        start = (worker * 5 + part) * 10  # half of each worker's keys are also its neighbour's
        cache.put(_keys(10, start=start), np.full((10, 4), start, np.float32))


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_parts, args=(str(tmp_path), n)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    cache = VectorCache(tmp_path, fingerprint=FINGERPRINT)
    assert len(cache) == 200
    assert cache.get(_keys(200))[:, 0].tolist() == [key // 10 * 10 for key in range(200)]
