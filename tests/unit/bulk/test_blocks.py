"""A block through prepare, encode and commit, in one process, against Milvus Lite."""

import errno
import json
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samesense.artefact.folder import Artefact
from samesense.bulk.commit import CommitBlock
from samesense.bulk.encode import EncodeBlock
from samesense.bulk.export import read_origin, read_vectors
from samesense.bulk.prepare import PrepareBlock
from samesense.bulk.reconcile import told_by_domain
from samesense.bulk.task import VECTORS
from samesense.bulk.verify import verify_collection
from samesense.core.errors import CorpusError, WriteError
from samesense.corpus import objects
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.index.store import Store
from tests.fixtures.s3_server import BUCKET, S3Server, upload
from tests.integration.embedding_jobs import rows_of
from tests.unit.bulk.one_block import IMAGES, found_in, listed, make_task, run


def test_a_block_is_written_once_and_then_left_alone(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos))
    prepared, committed = run(task)
    assert [len(batch.keys) for batch in prepared.batches] == [5, 5, 2]
    assert committed.fates == {"embedded": IMAGES}
    assert committed.cost.encoded == IMAGES
    assert len(found_in(store, artefact)) == IMAGES
    again, second = run(task)
    assert (again.batches, again.written, second.cost.bytes) == ([], [], 0)
    assert second.fates == {"unchanged": IMAGES}


def test_the_same_content_is_encoded_once_wherever_it_stands(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    for number in range(3):
        shutil.copy(photos / "domain0/concept0/0.png", photos / f"domain1/concept1/x{number}.png")
    _, committed = run(make_task(tmp_path, artefact, store, listed(photos)))
    assert committed.fates == {"embedded": IMAGES + 3}
    assert committed.cost.encoded == IMAGES


def test_another_label_is_written_without_reading_or_encoding(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    rows = listed(photos)
    run(make_task(tmp_path, artefact, store, rows))
    changed = [replace(row, label="another") for row in rows]
    prepared, committed = run(make_task(tmp_path, artefact, store, changed))
    assert (prepared.batches, committed.cost.bytes) == ([], 0)
    assert committed.fates == {"unchanged": IMAGES}
    assert {label for label, _ in found_in(store, artefact).values()} == {"another"}


@pytest.mark.parametrize("kind", ["tar", "jsonl"])
def test_a_second_run_reads_nothing_of_a_shard_or_a_manifest_in_a_store(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path, s3: S3Server, kind: str
) -> None:
    objects._opened.cache_clear()
    prefix, paths = tmp_path.name, sorted(photos.rglob("*.png"))
    if kind == "tar":
        with tarfile.open(tmp_path / "all.tar", "w") as archive:
            archive.add(photos, arcname=".")
        body = (tmp_path / "all.tar").read_bytes()
    else:
        upload(s3, photos, prefix=prefix)
        uris = {path: str(path.relative_to(photos)) for path in paths}
        named = {"domain": "photo", "label": "dog", "revision": 7}
        body = "\n".join(json.dumps(named | {"uri": uris[path]}) for path in paths).encode()
    s3.client().put_object(Bucket=BUCKET, Key=f"{prefix}/all.{kind}", Body=body)
    corpus = CorpusOptions(
        uri=f"s3://{BUCKET}/{prefix}/all.{kind}", pattern="**/{domain}/{label}/*"
    )
    _, first = run(make_task(tmp_path, artefact, store, list(list_rows(corpus))))
    assert first.fates == {"embedded": IMAGES}
    task = make_task(tmp_path, artefact, store, list(list_rows(corpus)))
    before = len(s3.asked)
    _, second = run(task)
    objects._opened.cache_clear()
    assert second.fates == {"unchanged": IMAGES}
    assert (second.cost.bytes, s3.asked[before:]) == (0, [])


def test_a_row_that_is_spoilt_leaves_the_index(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    run(make_task(tmp_path, artefact, store, listed(photos)))
    spoilt = photos / "domain0/concept0/0.png"
    spoilt.write_bytes(b"no image any more")
    _, committed = run(make_task(tmp_path, artefact, store, listed(photos)))
    assert committed.reasons == {"not_an_image": 1}
    assert str(spoilt) not in found_in(store, artefact)


def test_a_vector_that_is_not_finite_is_rejected(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos))
    block = EncodeBlock(task, device="cpu")(PrepareBlock(task)(0))
    assert block.h_ND is not None
    block.h_ND[3, 0] = np.nan
    committed = CommitBlock(task)(block)
    assert committed.reasons == {"not_finite": 1}
    assert len(found_in(store, artefact)) == IMAGES - 1


@pytest.mark.parametrize("where", ["cache", "out/ledger", "out/vectors"])
def test_a_full_disk_is_told_by_its_path_and_the_block_is_done_again(
    tmp_path: Path,
    artefact: Artefact,
    store: Store,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos), parquet=True)
    move = os.replace

    def moved(source: Path, target: Path) -> None:
        if target.is_relative_to(tmp_path / where):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        move(source, target)

    with monkeypatch.context() as full:
        full.setattr(os, "replace", moved)
        with pytest.raises(WriteError, match=rf"{where}/.* cannot be written: No space left on de"):
            run(task)
    assert task.ledger.finished() == []
    assert list(tmp_path.rglob("*.tmp")) == []
    _, committed = run(task)
    assert sum(committed.fates.values()) == IMAGES
    assert len(found_in(store, artefact)) == IMAGES


def test_a_store_that_is_down_stops_the_job_and_rejects_nothing(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    folder = str(photos)  # which cannot be read as a file
    rows = [replace(row, uri=folder, key=row.uri) for row in listed(photos)]
    task = make_task(tmp_path, artefact, store, rows)
    with pytest.raises(CorpusError, match=f"none of {IMAGES} images in a row could be read"):
        PrepareBlock(task)(0)
    assert task.ledger.finished() == []


def test_rejected_rows_alone_are_taken_again(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    bad = photos / "domain1/concept0/bad.png"
    bad.write_bytes(b"")
    task = make_task(tmp_path, artefact, store, listed(photos))
    run(task)
    shutil.copy(photos / "domain0/concept0/0.png", bad)
    _, committed = run(replace(task, only_rejected=True))
    assert committed.fates == {"embedded": IMAGES + 1}
    assert committed.cost.bytes == bad.stat().st_size
    assert len(found_in(store, artefact)) == IMAGES + 1


def test_a_check_that_could_check_nothing_fails(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos))
    run(task)
    collection = store.of_model("i", artefact.record.fingerprint)[0]

    def faults() -> list[str]:
        checked = verify_collection(
            collection,
            encoder=artefact.encoder(),
            ledger=told_by_domain(task.ledger),
            corpus=task.origin.corpus,
            sample=10,
        )
        return checked.faults(least_recall=0.9)

    assert faults() == []
    for path in photos.rglob("*.png"):
        path.write_bytes(b"changed")
    assert "no vector was checked: none of 6 sampled images" in faults()[0]
    shutil.rmtree(photos)
    assert "no vector was checked: none of 6 sampled images" in faults()[0]


def test_vectors_are_exported_with_what_they_are_of(
    tmp_path: Path, artefact: Artefact, store: Store, photos: Path
) -> None:
    task = make_task(tmp_path, artefact, store, listed(photos), parquet=True)
    for _ in range(2):  # also when nothing has changed
        run(task)
        folder = tmp_path / "out" / VECTORS
        assert read_origin(folder) == task.origin
        (part,) = read_vectors(folder)
        np.testing.assert_allclose(np.linalg.norm(part.z_ND, axis=1), 1, atol=1e-5)
        stored = rows_of(store, "i", fingerprint=artefact.record.fingerprint)
        for entry, z_D in zip(part.entries, part.z_ND, strict=True):
            np.testing.assert_allclose(z_D, stored[entry.id][3], atol=1e-6)
        assert len(part.entries) == IMAGES
        shutil.rmtree(folder)
