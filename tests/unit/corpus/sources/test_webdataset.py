import io
import json
import tarfile
from pathlib import Path

import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.reading import read_bytes
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.row import Row


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def listed(uri: Path, **options: str) -> list[Row]:
    return list(list_rows(CorpusOptions(uri=str(uri), **options)))


def test_a_sample_says_what_it_is(tmp_path: Path) -> None:
    note = json.dumps({"domain": "photo", "label": "dog", "other": [1]}).encode()
    members = {"a.jpg": b"first", "a.json": note, "b.txt": b"a cat", "b.cls": b"3", "b.png": b"2nd"}
    write_tar(tmp_path / "shard.tar", members)
    first, second = listed(tmp_path / "shard.tar", pattern="**", domain="drawn", label="-")
    assert (first.domain, first.label, first.text) == ("photo", "dog", None)
    assert (second.domain, second.label, second.text) == ("drawn", "3", "a cat")
    for row, data in ((first, b"first"), (second, b"2nd")):
        assert read_bytes(row.uri, span=row.span) == data
        assert read_bytes(row.uri) == data  # found by its name
        assert read_bytes(row.uri, span=row.span, at_most_bytes=2) == data[:2]


def test_folders_within_and_around_shards_say_what(tmp_path: Path) -> None:
    write_tar(tmp_path / "photo/000.tar", {"dog/1.jpg": b"1", "cat/2.jpg": b"2"})
    write_tar(tmp_path / "sketch/000.tar", {"dog/1.jpg": b"3"})
    rows = listed(tmp_path, pattern="{domain}/*/{label}/*")
    assert [(row.domain, row.label) for row in rows] == [
        ("photo", "dog"),
        ("photo", "cat"),
        ("sketch", "dog"),
    ]
    assert len({row.id for row in rows}) == 3
    assert all(row.fault is None and row.revision for row in rows)


def test_a_sample_that_nothing_names_is_a_fault(tmp_path: Path) -> None:
    write_tar(tmp_path / "shard.tar", {"1.jpg": b"1"})
    (row,) = listed(tmp_path)
    assert row.fault is not None
    assert row.fault.reason == "wrong_depth"


def test_a_broken_shard_among_others_is_a_row_of_its_own(tmp_path: Path) -> None:
    write_tar(tmp_path / "d/000.tar", {"dog/1.jpg": b"1"})
    (tmp_path / "d/001.tar").write_bytes(b"no archive at all" * 100)
    write_tar(tmp_path / "d/002.tar", {"dog/1.jpg": b"1"})
    rows = listed(tmp_path, pattern="{domain}/*/{label}/*")
    assert [row.fault and row.fault.reason for row in rows] == [None, "bad_shard", None]
    with pytest.raises(CorpusError, match="cannot be read as a tar archive"):
        listed(tmp_path / "d/001.tar")


def test_a_member_that_is_gone_is_missing(tmp_path: Path) -> None:
    write_tar(tmp_path / "shard.tar", {"1.jpg": b"1"})
    with pytest.raises(FileNotFoundError, match=r"has no member 2\.jpg"):
        read_bytes(f"{tmp_path}/shard.tar#2.jpg")


def test_a_shard_with_a_damaged_header_is_not_listed_to_its_end(tmp_path: Path) -> None:
    write_tar(tmp_path / "d/0.tar", {f"dog/{number}.jpg": b"1" for number in range(4)})
    data = bytearray((tmp_path / "d/0.tar").read_bytes())
    data[2 * 1024 : 2 * 1024 + 512] = b"?" * 512
    (tmp_path / "d/0.tar").write_bytes(data)
    rows = listed(tmp_path, pattern="{domain}/*/{label}/*")
    assert [row.fault and row.fault.reason for row in rows] == [None, None, "bad_shard"]
    assert rows[-1].fault is not None
    assert "the header at byte 2048 is damaged" in rows[-1].fault.detail
