"""Bulk embedding from an S3 store into an index, through real Ray Data."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import ray

from samesense.artefact.folder import Artefact
from samesense.bulk.embed import embed_corpus
from samesense.bulk.ledger import Ledger
from samesense.bulk.load import load_vectors
from samesense.bulk.options import EmbedJob
from samesense.core.errors import BulkError, ConfigError, CorpusError, StoreError
from samesense.corpus.decode import DecodeLimits, decode
from samesense.corpus.reading import read_bytes
from samesense.index.options import HnswIndex
from samesense.index.store import open_store
from tests.fixtures.corpora import write_patterns
from tests.fixtures.s3_server import BUCKET, S3Server, upload
from tests.fixtures.trained_models import write_model
from tests.integration.embedding_jobs import assert_same_rows, embed_job, rows_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("ray_cluster"),
]
IMAGES = 2 * 3 * 9


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artefact, Artefact]:
    folder = tmp_path_factory.mktemp("models")
    first, second = (
        write_model(folder / name / "model", backbone=folder / "backbone", seed=seed)
        for seed, name in enumerate(("first", "second"))
    )
    return first, second


def without_frames(record: logging.LogRecord) -> logging.LogRecord:
    """Return what pytest keeps of a log; the frames of Ray's errors would know the workers."""
    record.exc_info = None
    return record


@pytest.fixture(autouse=True)
def workers_are_gone() -> Iterator[None]:
    """A job that has ended, in whichever way, leaves all CPUs to the next."""
    usual = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *told, **more: without_frames(usual(*told, **more)))
    yield
    logging.setLogRecordFactory(usual)
    deadline = time.monotonic() + 30
    while ray.available_resources().get("CPU") != ray.cluster_resources()["CPU"]:
        assert time.monotonic() < deadline, "a worker is still there"
        time.sleep(0.2)


@pytest.fixture
def bucket(tmp_path: Path, s3: S3Server) -> str:
    """A prefix of its own with two domains, and three files that are no images."""
    folder = write_patterns(tmp_path / "photos", domains=2, concepts=3, each=9)
    (folder / "domain0/concept0/broken.png").write_bytes(b"no image")
    (folder / "domain1/concept0/empty.png").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"notes")
    upload(s3, folder, prefix=tmp_path.name)
    return f"s3://{BUCKET}/{tmp_path.name}"


def objects_read(s3: S3Server, since: int) -> int:
    return sum(one.startswith(f"GET /{BUCKET}/") and ".png" in one for one in s3.asked[since:])


def with_(job: EmbedJob, **changes: Any) -> EmbedJob:
    return EmbedJob.model_validate(job.model_dump() | changes)


def test_every_row_has_its_fate_and_its_vector(
    tmp_path: Path, s3: S3Server, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket)
    s3.disturb(share=0.15, seed=4)
    done = embed_corpus(job)
    s3.disturb(share=0)
    assert done.fates == {"embedded": IMAGES, "unchanged": 0, "rejected": 3}
    assert done.reasons == {"not_an_image": 1, "empty": 1, "wrong_depth": 1}
    assert (done.listed, done.encoded) == (IMAGES + 3, IMAGES)
    encoder = models[0].encoder()
    with open_store(str(job.milvus)) as store:
        found = rows_of(store, "photos")
    assert len(found) == IMAGES
    pictures = [decode(read_bytes(row[0]), limits=DecodeLimits()) for row in found.values()]
    expected_ND = encoder.embed_images(pictures)  # type: ignore[arg-type]
    np.testing.assert_allclose(np.stack([row[3] for row in found.values()]), expected_ND, atol=1e-5)
    table = pq.read_table(tmp_path / "out" / "rejections.parquet")
    assert sorted(table.column("reason").to_pylist()) == ["empty", "not_an_image", "wrong_depth"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["fates"] == done.fates
    assert set(summary["stage_seconds"]) == {"look up", "fetch", "decode", "encode", "write"}
    metrics = (tmp_path / "out" / "metrics.prom").read_text()
    assert f'samesense_bulk_rows_total{{fate="embedded"}} {IMAGES}.0' in metrics
    assert "samesense_bulk_rows_left 0.0" in metrics


def test_a_corpus_that_changes_is_followed(
    tmp_path: Path, s3: S3Server, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket)
    embed_corpus(job)
    before = len(s3.asked)
    again = embed_corpus(job)
    assert again.fates == {"embedded": 0, "unchanged": IMAGES, "rejected": 3}
    assert (again.encoded, objects_read(s3, before)) == (0, 2)  # those that were rejected
    client, prefix = s3.client(), tmp_path.name
    new = (tmp_path / "photos/domain1/concept2/0.png").read_bytes()
    same = (tmp_path / "photos/domain0/concept1/1.png").read_bytes()
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/domain0/concept1/0.png", Body=new)
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/domain0/concept1/1.png", Body=same + b"")
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/domain0/concept1/2.png", Body=b"spoilt")
    for name in ("domain1/concept0/0.png", "domain1/concept0/1.png"):
        client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{name}")
    changed = embed_corpus(job)
    assert changed.fates == {"embedded": 1, "unchanged": IMAGES - 4, "rejected": 4}
    assert (changed.encoded, changed.gone, changed.removed) == (0, 2, 0)
    with pytest.raises(BulkError, match=r"2 rows are gone from the corpus, 7% of its rows there"):
        embed_corpus(with_(job, prune=True, most_pruned=0.05))
    pruned = embed_corpus(with_(job, prune=True))
    assert (pruned.gone, pruned.removed) == (2, 2)
    with open_store(str(job.milvus)) as store:
        found = rows_of(store, "photos")
    assert len(found) == IMAGES - 3
    assert not any(row[0].endswith("domain0/concept1/2.png") for row in found.values())


def test_another_alignment_needs_neither_images_nor_tower(
    tmp_path: Path, s3: S3Server, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    first, second = models
    embed_corpus(embed_job(tmp_path, model=str(first.folder), corpus=bucket))
    before = len(s3.asked)
    job = embed_job(tmp_path, model=str(second.folder), corpus=bucket, switch=False)
    done = embed_corpus(job)
    assert done.fates == {"embedded": IMAGES, "unchanged": 0, "rejected": 3}
    assert (done.encoded, objects_read(s3, before)) == (0, 2)
    with open_store(str(job.milvus)) as store:
        assert {one.fingerprint for one in store.served("photos")} == {first.record.fingerprint}
        store.switch("photos", fingerprint=second.record.fingerprint)
        found = rows_of(store, "photos")
    fresh = embed_job(tmp_path / "fresh", model=str(second.folder), corpus=bucket)
    embed_corpus(fresh)
    with open_store(str(fresh.milvus)) as store:
        assert_same_rows(found, rows_of(store, "photos"))


def test_rejected_rows_are_tried_again_alone(
    tmp_path: Path, s3: S3Server, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket)
    with pytest.raises(ConfigError, match="holds no finished run of this job"):
        embed_corpus(job, start="rejected")
    embed_corpus(job)
    image = (tmp_path / "photos/domain0/concept0/0.png").read_bytes()
    s3.client().put_object(
        Bucket=BUCKET, Key=f"{tmp_path.name}/domain0/concept0/broken.png", Body=image
    )
    before = len(s3.asked)
    done = embed_corpus(job, start="rejected")
    assert done.fates == {"embedded": IMAGES + 1, "unchanged": 0, "rejected": 2}
    assert objects_read(s3, before) == 2
    with open_store(str(job.milvus)) as store:
        assert len(rows_of(store, "photos")) == IMAGES + 1


def test_exported_vectors_make_the_same_index_without_a_model(
    tmp_path: Path, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket, parquet=True)
    embed_corpus(job)
    with open_store(str(job.milvus)) as store:
        expected = rows_of(store, "photos")
    with open_store(str(tmp_path / "other.db")) as store:
        options = HnswIndex(links=8, build_width=64)
        _, rows = load_vectors(
            store, "copy", folder=tmp_path / "out" / "vectors", options=options, switch=True
        )
        assert sum(rows.values()) == IMAGES
        assert_same_rows(rows_of(store, "copy"), expected)
    again = embed_corpus(with_(job, milvus=None))
    assert (again.fates["embedded"], again.encoded) == (IMAGES, 0)


def test_rows_that_an_index_has_lost_are_written_again(
    tmp_path: Path, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket)
    embed_corpus(job)
    ledger = Ledger(Path(job.out) / "ledger")
    with open_store(str(job.milvus)) as store:
        expected = rows_of(store, "photos")
        for collection in store.of_model("photos"):
            collection.delete(list(expected)[::2])
    (tmp_path / "out" / "state.json").write_text(
        (tmp_path / "out" / "state.json").read_text().replace("true", "false")
    )
    assert len(ledger.finished()) == 4
    done = embed_corpus(job)
    assert (done.encoded, sum(done.fates.values())) == (0, IMAGES + 3)
    with open_store(str(job.milvus)) as store:
        assert_same_rows(rows_of(store, "photos"), expected)


def test_a_block_that_keeps_losing_its_worker_is_told(
    tmp_path: Path, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=bucket)
    job = with_(job, encode=job.encode.model_dump() | {"retries_per_block": 1})
    over = threading.Event()

    def kill_encoders_at_work() -> None:
        while not over.is_set():
            for process in psutil.process_iter(["cmdline"]):
                title = " ".join(process.info["cmdline"] or ())
                if "_Encode)).submit" in title:  # at work on a block
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            time.sleep(0.05)

    killer = threading.Thread(target=kill_encoders_at_work)
    killer.start()
    try:
        with pytest.raises(BulkError, match=r"has lost its worker 2 times.*lower encode"):
            embed_corpus(job)
    finally:
        over.set()
        killer.join()
    assert embed_corpus(job).fates["embedded"] == IMAGES


def test_what_a_worker_finds_wrong_is_told_in_its_own_words(
    tmp_path: Path, models: tuple[Artefact, Artefact]
) -> None:
    places = [tmp_path / f"photo{number}.png" for number in range(9)]
    for place in places:
        place.mkdir()  # is there, and cannot be read as a file
    rows = [{"uri": str(place), "domain": "photo", "label": "dog"} for place in places]
    listed = tmp_path / "photos.jsonl"
    listed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = embed_job(tmp_path, model=str(models[0].folder), corpus=str(listed))
    with pytest.raises(CorpusError) as told:
        embed_corpus(job)
    assert str(told.value).startswith(f"{listed}: none of 9 images in a row could be read")


def test_what_cannot_work_is_told_at_once(
    tmp_path: Path, s3: S3Server, bucket: str, models: tuple[Artefact, Artefact]
) -> None:
    model = str(models[0].folder)
    with pytest.raises(CorpusError, match="no such bucket"):
        embed_corpus(embed_job(tmp_path, model=model, corpus="s3://absent/photos"))
    with pytest.raises(CorpusError, match="is empty"):
        embed_corpus(embed_job(tmp_path, model=model, corpus=f"{bucket}/nothing"))
    with pytest.raises(StoreError, match="no Milvus answers there"):
        embed_corpus(embed_job(tmp_path, model=model, corpus=bucket, milvus="http://127.0.0.1:9"))
    with pytest.raises(CorpusError, match=r"lists no domain 'domain'. Did you mean 'domain"):
        embed_corpus(embed_job(tmp_path, model=model, corpus=bucket, domains=("domain",)))
    elsewhere = {"uri": bucket, "pattern": "{domain}/{label}/nothing/*"}
    for _ in range(2):  # and told again, not gone on with
        with pytest.raises(CorpusError, match=rf"all {IMAGES + 3} rows were rejected .*wrong_de"):
            embed_corpus(embed_job(tmp_path, model=model, corpus=elsewhere))
