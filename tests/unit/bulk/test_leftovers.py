"""Which rows of an index a corpus may delete: its own, and no others."""

from pathlib import Path

import numpy as np
import pytest

from samesense.bulk.leftovers import Foreign, part_foreign
from samesense.corpus.manifest import item_id
from samesense.corpus.rejections import Rejection
from samesense.index.rows import IndexRows
from samesense.index.store import open_store

GONE = ["{root}/sketch/dog/gone.png"]
OF_OTHERS = [
    "/other/sketch/dog/1.png",
    "{root}-more/sketch/dog/1.png",
    "{root}/sketch/dog/deeper/1.png",
    "{root}/photo/dog/1.png",
]
BAD = "/anywhere/bad.png"


@pytest.mark.parametrize("kind", ["folder", "manifest"])
def test_a_corpus_takes_back_its_own_rows_alone(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    (tmp_path / "corpus.csv").touch()
    uris = [uri.format(root=root) for uri in (*GONE, *OF_OTHERS, BAD)]
    ids = [item_id(domain="sketch", uri=uri) for uri in uris]
    rows = IndexRows(ids=ids, uris=uris, labels=uris, content_hashes=uris, z_ND=np.eye(6, 8))
    rejections = [Rejection(BAD, domain, "dog", "corrupt", "") for domain in ("sketch", "photo")]
    with open_store(str(tmp_path / "index")) as store:
        collection = store.build("i", domain="sketch", fingerprint="f" * 12, width=8)
        collection.upsert(rows)
        found = part_foreign(
            ids,
            collection=collection,
            corpus=str(root if kind == "folder" else tmp_path / "corpus.csv"),
            rejections=rejections,
        )
        collection.delete(found.leftovers)
        left = collection.ids_with_hashes()
    leftovers = [ids[0], ids[-1]] if kind == "folder" else [ids[-1]]
    assert found == Foreign(leftovers=leftovers, others=len(ids) - len(leftovers))
    assert left.keys() == set(ids) - set(leftovers)
