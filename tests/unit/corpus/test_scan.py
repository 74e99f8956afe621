import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from samesense.core.errors import CorpusError
from samesense.core.hashing import hash_bytes
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest, item_id
from samesense.corpus.scan import Scan, scan
from tests.fixtures.bad_images import Bad, encoded, two_halves, write_odd_files

PNG = encoded(two_halves(), "PNG")


def _write(root: Path, *names: str, data: bytes = PNG) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def _write_jsonl(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def _reasons(found: Scan) -> dict[str, str]:
    assert len(found.manifest) + len(found.rejections) == found.listed
    return {Path(rejection.uri).name: rejection.reason for rejection in found.rejections}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_odd_file_becomes_an_item_or_a_named_rejection(tmp_path: Path) -> None:
    expected = write_odd_files(tmp_path)
    bad = {path.name: wanted.reason for path, wanted in expected.items() if isinstance(wanted, Bad)}
    found = scan(str(tmp_path))
    assert found.listed == len(expected)
    assert _reasons(found) == bad
    assert all(rejection.detail for rejection in found.rejections)
    assert {r.domain for r in found.rejections} == {"odd"}
    assert {r.label for r in found.rejections} == {"thing"}
    assert set(found.manifest.column("uri")) == {str(p) for p in expected if p.name not in bad}


def test_an_item_says_what_was_read(tmp_path: Path) -> None:
    _write(tmp_path, "photo/cat/a.png")
    (row,) = scan(str(tmp_path)).manifest.table.to_pylist()
    uri = str(tmp_path / "photo/cat/a.png")
    assert row == {
        "id": item_id(domain="photo", uri=uri),
        "uri": uri,
        "domain": "photo",
        "label": "cat",
        "text": None,
        "content_hash": hash_bytes(PNG),
        "size_bytes": len(PNG),
        "width_px": 48,
        "height_px": 32,
        "split": None,
    }


def test_files_that_are_no_images_and_lie_elsewhere_are_counted(tmp_path: Path) -> None:
    _write(tmp_path, "a/cat/1.png", "a/2.png", "a/cat/more/3.png", "4.png", "a/cat/.hidden")
    _write(tmp_path, "a/cat/Thumbs.db", data=b"litter")
    (tmp_path / "a/cat/gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "a/cat/pipe.png")
    found = scan(str(tmp_path))
    assert _reasons(found) == {
        "2.png": "wrong_depth",
        "3.png": "wrong_depth",
        "4.png": "wrong_depth",
        "Thumbs.db": "not_an_image",
        "gone.png": "missing",
        "pipe.png": "unreadable",
    }


def test_a_name_that_is_no_text_is_rejected_in_words_that_can_be_written(tmp_path: Path) -> None:
    _write(tmp_path, "a/cat/1.png")
    (tmp_path / "a/cat" / os.fsdecode(b"\xff.png")).write_bytes(PNG)
    assert _reasons(scan(str(tmp_path))) == {"\\udcff.png": "not_unicode"}


def test_a_bad_row_of_a_manifest_is_one_rejection(tmp_path: Path) -> None:
    _write(tmp_path, "a.png", "b.png")
    (tmp_path / "folder.png").mkdir()
    row = {"uri": "a.png", "domain": "d", "label": "c"}
    rows = [
        row,
        {**row, "uri": "b.png", "text": "two halves"},
        {**row, "uri": "absent.png"},
        {**row, "uri": "folder.png"},
        {**row, "uri": "gs://bucket/a.png"},
        {**row, "uri": "nul\0.png"},
        {**row, "label": "\ud800"},
        {**row, "label": ""},
        {**row, "label": "another"},
    ]
    found = scan(_write_jsonl(tmp_path / "m.jsonl", *rows))
    assert found.listed == len(rows)
    assert found.manifest.column("text").tolist() == [None, "two halves"]
    assert len(found.manifest) + len(found.rejections) == found.listed
    assert Counter(rejection.reason for rejection in found.rejections) == {
        "missing": 1,
        "unreadable": 3,
        "not_unicode": 1,
        "incomplete_row": 1,
        "duplicate_id": 1,
    }


def test_one_image_in_two_domains_is_two_items(tmp_path: Path) -> None:
    _write(tmp_path, "a.png")
    row = {"uri": "a.png", "domain": "d", "label": "c"}
    found = scan(_write_jsonl(tmp_path / "m.jsonl", row, {**row, "domain": "e"}))
    assert len(set(found.manifest.column("id"))) == 2
    assert len(set(found.manifest.column("content_hash"))) == 1


@pytest.mark.parametrize("suffix", [".csv", ".CSV"])
def test_manifests_are_told_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    _write(tmp_path, "a.png")
    path = tmp_path / f"m{suffix}"
    path.write_text("path,domain,label\na.png,d,0\n")
    assert scan(str(path)).manifest.labels == ["0"]


def test_what_a_scan_wrote_is_scanned_to_the_same(tmp_path: Path) -> None:
    _write(tmp_path, *(f"corpus/{d}/{c}/{n}.png" for d in "ab" for c in "xy" for n in range(3)))
    first = scan(str(tmp_path / "corpus")).manifest
    first.write(tmp_path / "elsewhere" / "m.parquet")
    second = scan(str(tmp_path / "elsewhere" / "m.parquet")).manifest
    assert second.table.equals(first.table)
    assert Manifest.read(tmp_path / "elsewhere" / "m.parquet").hash == second.hash


def test_threads_and_blocks_change_nothing(tmp_path: Path) -> None:
    _write(tmp_path, *(f"a/x/{n:04d}.png" for n in range(600)))
    manifests = [scan(str(tmp_path), threads=threads).manifest.table for threads in (1, 7)]
    assert manifests[0].equals(manifests[1])
    assert manifests[0].num_rows == 600


def test_limits_are_kept(tmp_path: Path) -> None:
    _write(tmp_path, "a/x/small.png", data=encoded(Image.new("RGB", (4, 4)), "PNG"))
    _write(tmp_path, "a/x/large.png", data=encoded(Image.new("RGB", (9, 9)), "PNG"))
    _write(tmp_path, "a/x/long.bin", data=bytes(1000))
    found = scan(str(tmp_path), limits=DecodeLimits(max_bytes=999, max_pixels=80))
    assert _reasons(found) == {"large.png": "too_many_pixels", "long.bin": "too_many_bytes"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "no such folder or manifest"),
        ("a" * 5000, "cannot be read: File name too long"),
        ("void", "is empty; give a folder"),
        ("void.csv", "is empty; give a folder"),
        ("note.txt", "is a file, but neither manifest nor shard"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "void.csv").write_text("uri,domain,label\n")
    _write(tmp_path, "note.txt", data=b"note")
    with pytest.raises(CorpusError, match=message):
        scan(str(tmp_path / name))


def test_a_corpus_of_bad_files_alone_is_listed_and_then_refused(tmp_path: Path) -> None:
    _write(tmp_path / "c", "a/x/1.png", "a/x/2.png", data=b"note")
    _write(tmp_path / "c", "a/x/3.png", data=b"")
    found = scan(str(tmp_path / "c"))
    assert _reasons(found) == {"1.png": "not_an_image", "2.png": "not_an_image", "3.png": "empty"}
    told = (
        r"c: all 3 rows were rejected \(2 not_an_image, 1 empty\), .* in t\.parquet; the first .*1"
    )
    with pytest.raises(CorpusError, match=told):
        found.refuse_if_empty(table=Path("t.parquet"))


def test_all_of_pacs_is_accepted(pacs: Path) -> None:
    found = scan(str(pacs))
    assert (len(found.manifest), found.rejections, found.listed) == (9_991, [], 9_991)
    assert Counter(found.manifest.column("domain")) == {
        "art_painting": 2_048,
        "cartoon": 2_344,
        "photo": 1_670,
        "sketch": 3_929,
    }
    assert found.manifest.labels == [
        "dog",
        "elephant",
        "giraffe",
        "guitar",
        "horse",
        "house",
        "person",
    ]
    assert set(found.manifest.column("width_px")) == {227}
    assert len(set(found.manifest.column("content_hash"))) == 9_991
