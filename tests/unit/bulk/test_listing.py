from pathlib import Path

import pytest

from samesense.bulk.listing import read_listing, write_listing
from samesense.corpus.decode import Rejected
from samesense.corpus.sources.row import Row


def row(number: int, *, domain: str = "photo") -> Row:
    return Row(f"/{number}.png", domain, "dog", revision=f"r{number}")


def test_rows_come_back_block_by_block(tmp_path: Path) -> None:
    rows = [
        row(0),
        Row("s.tar#a.png", "sketch", "cat", text="a cat", key="17", span=(512, 9)),
        Row("/bad", "", "", fault=Rejected("wrong_depth", "why")),
        row(3),
        row(4),
    ]
    assert read_listing(tmp_path) is None
    listing = write_listing(tmp_path, iter(rows), rows_per_block=2)
    assert (listing.rows, listing.blocks) == (5, 3)
    assert listing.domains == {"photo": 3, "sketch": 1}
    assert read_listing(tmp_path) == listing
    assert [found for number in range(3) for found in listing.read(number)] == rows


def test_a_row_listed_twice_is_a_fault_wherever_it_stands(tmp_path: Path) -> None:
    rows = [row(0), row(1), row(0, domain="sketch"), row(2), row(1), row(0), row(3)]
    listing = write_listing(tmp_path, iter(rows), rows_per_block=3)
    reasons = [
        found.fault and found.fault.reason for number in range(3) for found in listing.read(number)
    ]
    assert reasons == [None, None, None, None, "duplicate_id", "duplicate_id", None]
    assert listing.domains == {"photo": 4, "sketch": 1}


def test_a_listing_that_was_cut_short_is_none(tmp_path: Path) -> None:
    def cut() -> object:
        yield from (row(number) for number in range(5))
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        write_listing(tmp_path, cut(), rows_per_block=2)  # type: ignore[arg-type]
    assert read_listing(tmp_path) is None


def test_an_empty_corpus_has_no_blocks(tmp_path: Path) -> None:
    listing = write_listing(tmp_path, iter([]), rows_per_block=2)
    assert (listing.rows, listing.blocks, listing.domains) == (0, 0, {})
