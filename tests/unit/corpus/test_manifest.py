from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import SCHEMA, Manifest, item_id


def _row(number: int, **changes: Any) -> dict[str, Any]:
    domain, uri = ("photo", "sketch")[number % 2], f"/{number}.png"
    row = {"id": item_id(domain=domain, uri=uri), "uri": uri, "domain": domain, "label": "cat"}
    return row | {"content_hash": str(number), "size_bytes": 1, "width_px": 8} | changes


def _manifest(count: int = 6) -> Manifest:
    return Manifest.from_rows([_row(number) for number in range(count)])


def test_a_key_is_the_start_of_the_sha_256_of_domain_and_uri() -> None:
    # printf 'photo\0/a.png' | sha256sum
    assert item_id(domain="photo", uri="/a.png") == "5ab5865911ae733ca45bfc8930a1d2f8"
    assert item_id(domain="a", uri="bc") != item_id(domain="ab", uri="c")


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    manifest = _manifest().with_split(["train", "query"] * 3)
    manifest.write(tmp_path / "below" / "m.parquet")
    again = Manifest.read(tmp_path / "below" / "m.parquet")
    assert again.table.equals(manifest.table)
    assert again.hash == manifest.hash
    assert [path.name for path in (tmp_path / "below").iterdir()] == ["m.parquet"]


def test_the_hash_is_of_what_is_said_and_not_of_the_order() -> None:
    manifest = _manifest()
    assert manifest.take([3, 1, 0, 2, 5, 4]).hash == manifest.hash
    others = [
        Manifest.from_rows([_row(0, **change), *(_row(n) for n in range(1, 6))])
        for change in ({"label": "dog"}, {"text": "a"}, {"content_hash": "9"}, {"split": "train"})
    ]
    hashes = {manifest.hash, manifest.take([0]).hash, *(other.hash for other in others)}
    assert len(hashes) == 6


def test_rows_are_chosen_by_mask_and_by_place() -> None:
    manifest = _manifest()
    uris = manifest.column("uri")
    assert list(manifest.take([4, 0, 4]).column("uri")) == ["/4.png", "/0.png", "/4.png"]
    assert list(manifest.where(uris == "/3.png").column("uri")) == ["/3.png"]
    assert len(manifest.where(np.zeros(6, dtype=bool))) == 0


def test_rows_are_chosen_by_name() -> None:
    manifest = _manifest(4).with_split(["train", "query", "gallery", "query"])
    assert (manifest.domains, manifest.labels) == (["photo", "sketch"], ["cat"])
    assert list(manifest.of(splits=("query",)).column("uri")) == ["/1.png", "/3.png"]
    assert list(manifest.of(domains=("photo",), splits=("train",)).column("uri")) == ["/0.png"]
    assert len(manifest.of(domains=())) == 0
    assert manifest.of().table.equals(manifest.table)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(CorpusError, match=r"no domain 'sketh' .has: photo, sketch.*'sketch'\?"):
        _manifest().of(domains=("photo", "sketh"))
    with pytest.raises(CorpusError, match=r"no split 'query' .has: none"):
        _manifest().of(splits=("query",))


def test_an_empty_manifest_has_all_columns() -> None:
    empty = Manifest.from_rows([])
    assert (len(empty), empty.domains, empty.table.schema) == (0, [], SCHEMA)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        Manifest.read(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(CorpusError, match="cannot be read"):
        Manifest.read(tmp_path / "text.parquet")
    pq.write_table(pa.table({"uri": ["x"]}), tmp_path / "few.parquet")
    with pytest.raises(CorpusError, match="lacks content_hash"):
        Manifest.read(tmp_path / "few.parquet")
    columns = {name: ["x"] for name in SCHEMA.names}
    pq.write_table(pa.table(columns), tmp_path / "types.parquet")
    with pytest.raises(CorpusError, match="cannot be read as a manifest"):
        Manifest.read(tmp_path / "types.parquet")
