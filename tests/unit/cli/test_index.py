"""``samesense index`` on an index that lies beside it."""

from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from samesense.bulk.export import Origin, write_vectors
from samesense.bulk.ledger import Entry
from samesense.cli.main import app
from samesense.core.errors import StoreError
from samesense.index.store import open_store

ROWS, WIDTH = 20, 8
OLD, NEW = "a1" * 32, "b2" * 32


def export(folder: Path, *, fingerprint: str, rows: int = ROWS) -> str:
    """Write vectors of a model as a job exports them."""
    entries = [Entry(f"{n:032x}", f"/{n}.png", "photo", "dog", "embedded") for n in range(rows)]
    z_ND = np.random.default_rng(0).standard_normal((rows, WIDTH)).astype(np.float32)
    write_vectors(
        folder / "0.parquet",
        entries=entries,
        z_ND=z_ND,
        origin=Origin(fingerprint, "runs/model", "photos", WIDTH),
    )
    return str(folder)


def index(*words: str, milvus: Path) -> BaseException | None:
    """Run a command; return what it raised."""
    raised = CliRunner().invoke(app, ["index", *words, "--milvus", str(milvus)]).exception
    assert raised is None or not isinstance(raised, SystemExit)
    return raised


def test_an_index_is_built_with_the_parameters_that_are_given(tmp_path: Path) -> None:
    milvus, vectors = tmp_path / "milvus.db", export(tmp_path / "vectors", fingerprint=OLD)
    built = ("build", "i", "--vectors", vectors, "--kind", "hnsw", "--switch")
    assert index(*built, "--set", "kind.search_width=77", milvus=milvus) is None
    with open_store(str(milvus)) as store:
        (collection,) = store.collections("i")
    assert collection.contents.search == {"ef": 77}


def test_a_model_with_few_rows_takes_over_by_force_alone(tmp_path: Path) -> None:
    milvus = tmp_path / "milvus.db"
    old = export(tmp_path / "old", fingerprint=OLD)
    new = export(tmp_path / "new", fingerprint=NEW, rows=ROWS // 2)
    assert index("build", "i", "--vectors", old, "--switch", milvus=milvus) is None
    refused = index("build", "i", "--vectors", new, "--switch", milvus=milvus)
    assert isinstance(refused, StoreError)
    assert "10 of 'photo', where 20 are served" in str(refused)
    assert isinstance(index("switch", "i", "--to", NEW[:6], milvus=milvus), StoreError)
    assert index("switch", "i", "--to", NEW[:6], "--force", milvus=milvus) is None
    with open_store(str(milvus)) as store:
        assert [one.fingerprint for one in store.served("i")] == [NEW]
