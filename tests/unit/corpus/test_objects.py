"""Reading an S3 store, by a real server on the loopback address."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus import objects
from samesense.corpus.objects import list_objects, read_object
from samesense.corpus.reading import read_bytes
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.corpus.sources.row import Row
from tests.fixtures.s3_server import BUCKET, FAULTS, S3Server, serving

ROOT = f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    objects._opened.cache_clear()
    yield running
    running.disturb(share=0)
    objects._opened.cache_clear()


def put(server: S3Server, **data: bytes) -> None:
    for key, body in data.items():
        server.client().put_object(Bucket=BUCKET, Key=key, Body=body)


def listed(uri: str, **options: str) -> list[Row]:
    return list(list_rows(CorpusOptions(uri=uri, **options)))


def test_objects_are_listed_by_pages_with_what_changes_with_them(server: S3Server) -> None:
    put(server, **{f"many/photo/dog/{number:04}.jpg": b"x" for number in range(1203)})
    put(server, **{"many/photo/dog/": b"", "many/.hidden/dog/1.jpg": b"x", "many/note.txt": b"x"})
    before = server.asked.count(f"GET /{BUCKET}")
    rows = listed(f"{ROOT}/many/")
    assert server.asked.count(f"GET /{BUCKET}") - before == 2
    assert len(rows) == 1204
    assert [row.fault.reason for row in rows if row.fault] == ["wrong_depth"]
    first = rows[1]
    assert (first.uri, first.domain, first.label) == (
        f"{ROOT}/many/photo/dog/0000.jpg",
        "photo",
        "dog",
    )
    put(server, **{"many/photo/dog/0000.jpg": b"changed"})
    assert listed(f"{ROOT}/many")[1].revision != first.revision


def test_keys_may_hold_anything(server: S3Server) -> None:
    keys = ("odd/photo/a dog/1+1?=2#3&.jpg", "odd/日本/犬/100%.jpg")
    put(server, **dict.fromkeys(keys, b"x"))
    rows = listed(f"{ROOT}/odd")
    assert [row.uri for row in rows] == [f"{ROOT}/{key}" for key in keys]
    assert [read_bytes(row.uri) for row in rows] == [b"x", b"x"]


def test_parts_of_an_object_are_read(server: S3Server) -> None:
    put(server, **{"part/a.bin": b"0123456789"})
    uri = f"{ROOT}/part/a.bin"
    assert read_object(uri, start=3, end=6) == b"345"
    assert read_object(uri, end=100) == b"0123456789"
    assert read_object(uri, start=20, end=30) == b""
    assert read_bytes(uri, at_most_bytes=2) == b"01"
    with pytest.raises(FileNotFoundError, match="no such object"):
        read_object(f"{ROOT}/part/b.bin")


def test_faults_go_by_unnoticed(server: S3Server) -> None:
    data = bytes(range(256)) * 40
    put(server, **{f"faulty/photo/dog/{number}.jpg": data for number in range(60)})
    server.disturb(share=0.3, seed=1)
    rows = listed(f"{ROOT}/faulty")
    assert len(rows) == 60
    assert all(read_bytes(row.uri) == data for row in rows)
    assert set(server.spoiled) == set(FAULTS)


def test_a_store_that_stays_down_is_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    put(server, **{"down/a.jpg": b"x"})
    monkeypatch.setattr(objects, "ATTEMPTS", 2)
    server.disturb(share=1.0)
    with pytest.raises(OSError, match=r"a\.jpg"):
        read_object(f"{ROOT}/down/a.jpg")
    with pytest.raises(CorpusError, match="does not answer after 2 attempts"):
        list(list_objects(f"{ROOT}/down"))


def test_what_is_wrong_with_a_store_is_told_without_secrets(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match="no such bucket 'absent'"):
        listed("s3://absent/photos")
    with pytest.raises(CorpusError, match="names no bucket"):
        listed("s3:///photos")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    objects._opened.cache_clear()
    with pytest.raises(CorpusError, match="Set AWS_ACCESS_KEY_ID") as refused:
        listed(f"{ROOT}/photos")
    assert "secret" not in str(refused.value)


def tar_of(members: dict[str, bytes]) -> bytes:
    shard = io.BytesIO()
    with tarfile.open(fileobj=shard, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return shard.getvalue()


def test_listing_a_shard_outlasts_faults_that_go_by(server: S3Server) -> None:
    shard = tar_of({f"dog/{number}.jpg": b"x" * 100_000 for number in range(12)})
    put(server, **{f"flaky/photo/{number}.tar": shard for number in range(4)})
    server.fail(at="flaky/photo/2.tar", requests=4)
    rows = listed(f"{ROOT}/flaky", pattern="{domain}/*/{label}/*")
    assert server.failing.is_set()
    assert [row.fault for row in rows] == [None] * 48
    server.disturb(share=0.2, seed=3)
    assert listed(f"{ROOT}/flaky", pattern="{domain}/*/{label}/*") == rows
    server.mend()


def test_shards_tables_and_manifests_lie_in_a_store_too(server: S3Server) -> None:
    shard = tar_of({"dog/1.jpg": b"1" * 3000, "cat/2.jpg": b"2" * 70_000})
    table = io.BytesIO()
    columns = {"image": [b"3", b"4"], "domain": ["sketch"] * 2, "label": ["dog", "cat"]}
    pq.write_table(pa.table(columns), table)
    manifest = b"uri,domain,label\nphoto/1.jpg,photo,dog\n"
    put(
        server,
        **{
            "shards/photo/0.tar": shard,
            "shards/photo/1.parquet": table.getvalue(),
            "lists/all.csv": manifest,
            "lists/photo/1.jpg": b"5",
        },
    )
    rows = listed(f"{ROOT}/shards", pattern="{domain}/*/{label}/*")
    assert [(row.domain, row.label) for row in rows] == [
        ("photo", "dog"),
        ("photo", "cat"),
        ("sketch", "dog"),
        ("sketch", "cat"),
    ]
    data = [read_bytes(row.uri, span=row.span) for row in rows]
    assert data == [b"1" * 3000, b"2" * 70_000, b"3", b"4"]
    for name in ("photo/0.tar", "photo/1.parquet"):  # each also alone
        where = f"{ROOT}/shards/{name}"
        alone = listed(where, pattern="{label}/*", domain="photo")
        assert {row.revision for row in alone} == {
            row.revision for row in rows if row.uri.startswith(where)
        }
        assert all(row.revision for row in alone)
    (row,) = listed(f"{ROOT}/lists/all.csv")
    assert read_bytes(row.uri) == b"5"
