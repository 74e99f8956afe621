"""Ids by the million: found where they should be, in the memory that the documentation names."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from samesense.bulk.ids import NO_ID, lacking, named, packed, repeated, sorted_once, view
from samesense.bulk.ledger import Entry, Ledger
from samesense.bulk.reconcile import told_by_domain

MANY = 200_000
ROWS_PER_BLOCK = 1000


def drawn(count: int, *, seed: int = 0) -> list[str]:
    """Ids of which some begin or end with zeros."""
    data = np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8)
    data[::7, 10:] = 0
    data[::11, :3] = 0
    return [bytes(row).hex() for row in data]


@contextmanager
def peak_bytes_a_row(told: list[float], *, rows: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        told.append(tracemalloc.get_traced_memory()[1] / rows)
    finally:
        tracemalloc.stop()


def test_ids_come_back_as_they_were() -> None:
    ids = drawn(500)
    assert list(named(view(packed(ids)))) == ids
    assert list(named(sorted_once(bytearray(packed([*ids, *ids[:9]]))))) == sorted(ids)


@pytest.mark.parametrize("wrong", ["", "abc", "0" * 30, "x" * 32])
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"id|hex"):
        packed([*drawn(3), wrong])


@pytest.mark.parametrize("count", [0, 1, 5, 100_000])
def test_what_is_lacking_is_what_sets_say(count: int) -> None:
    ids, there = drawn(count), drawn(count, seed=1)[: count // 2] + drawn(count)[: count // 3]
    found = lacking(sorted_once(bytearray(packed(ids))), sorted_once(bytearray(packed(there))))
    assert list(named(found)) == sorted(set(ids) - set(there))


def test_the_second_of_two_is_the_repeated_one() -> None:
    one, two, three = drawn(3)
    ids = [one, NO_ID, two, one, NO_ID, three, two, one]
    assert repeated(bytearray(packed(ids))).tolist() == [3, 6, 7]
    assert repeated(bytearray()).tolist() == []


def listed() -> None:
    ids, numbers = bytearray(), np.random.default_rng(0)
    for _ in range(0, MANY, ROWS_PER_BLOCK):
        ids += packed(numbers.bytes(16).hex() for _ in range(ROWS_PER_BLOCK))
    assert len(repeated(ids)) == 0


def compared(ledger: Ledger) -> None:
    told = told_by_domain(ledger)
    held = sorted_once(bytearray(told["photo"].accepted))
    assert len(lacking(held, sorted_once(told["photo"].accepted))) == 0


def test_memory_of_a_row_is_what_is_promised(tmp_path: Path) -> None:
    ledger, ids = Ledger(tmp_path), drawn(MANY)
    for number, start in enumerate(range(0, MANY, ROWS_PER_BLOCK)):
        block = ids[start : start + ROWS_PER_BLOCK]
        ledger.write(number, [Entry(row_id, "/", "photo", "dog", "embedded") for row_id in block])
    del ids, block
    told: list[float] = []
    for work in (listed, lambda: compared(ledger)):
        with peak_bytes_a_row(told, rows=MANY):
            work()
    assert told[0] < 24
    assert told[1] < 44
