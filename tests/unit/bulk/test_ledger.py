from pathlib import Path

from samesense.bulk.ledger import Entry, Ledger


def entry(name: str, *, fate: str = "embedded", domain: str = "photo") -> Entry:
    return Entry(name, f"/{name}", domain, "dog", fate)  # type: ignore[arg-type]


def test_finished_blocks_are_counted_without_reading_their_rows(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    assert ledger.finished() == []
    ledger.write(3, [entry("a"), entry("b", fate="rejected"), entry("c", fate="rejected")])
    ledger.write(0, [])
    assert ledger.counts() == {
        0: {"embedded": 0, "unchanged": 0, "rejected": 0},
        3: {"embedded": 1, "unchanged": 0, "rejected": 2},
    }
    assert [found.id for found in ledger.rejected()] == ["b", "c"]
    assert ledger.read(3)[0] == entry("a")


def test_a_block_that_is_half_written_or_forgotten_is_not_finished(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(1, [entry("a")])
    (tmp_path / ".00000002.parquet.abc.tmp").write_bytes(b"half")
    assert ledger.finished() == [1]
    ledger.forget([1, 7])
    assert ledger.finished() == []


def test_columns_are_read_block_by_block(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(0, [entry("a"), entry("b", domain="sketch")])
    ledger.write(3, [entry("c", fate="rejected")])
    assert list(ledger.columns("id", "fate")) == [
        (0, [["a", "b"], ["embedded", "embedded"]]),
        (3, [["c"], ["rejected"]]),
    ]
