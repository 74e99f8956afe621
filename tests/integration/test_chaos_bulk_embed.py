"""`samesense embed`, killed without warning anywhere and run again: nothing lost, nothing twice.

In short form two moments are tried once; with SAMESENSE_CHAOS=full, each eight times.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from samesense.artefact.folder import save_artefact
from samesense.corpus.scan import scan
from samesense.encoder.build import build_encoder
from samesense.index.store import open_store
from samesense.recipe.load import load_recipe
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(1200)]
FULL = os.environ.get("SAMESENSE_CHAOS") == "full"
ROUNDS = 8 if FULL else 1
LONGEST_WAIT_S = 120.0
POLL_S = 0.005
SIZES = {"concepts": 6, "domains": 3, "each": 80}
IMAGES = 6 * 3 * 80
ROWS_PER_BLOCK = 32


def parts(place: Path) -> int:
    return len(list((place / "cache").glob("*/*.parquet")))


def collections_begun(place: Path) -> int:
    return len(list((place / "milvus.db" / "collections").glob("*")))


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "the store is open": lambda place: (place / "milvus.db").exists(),
    "the first vectors are kept": lambda place: parts(place) >= 1,
    "half the vectors are kept": lambda place: parts(place) >= IMAGES // ROWS_PER_BLOCK // 2,
    "the first block is finished": lambda place: any((place / "out/ledger").glob("0*.parquet")),
    "the first collection is begun": lambda place: collections_begun(place) >= 1,
    "the last collection is begun": lambda place: collections_begun(place) >= 3,
    "the model is in service": lambda place: "photos__release" in aliases(place),
}


def aliases(place: Path) -> str:
    path = place / "milvus.db" / "aliases.json"
    return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patterns(tmp_path_factory.mktemp("corpus"), **SIZES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    MLLMS["idefics3"](folder / "backbone")
    recipe = load_recipe("alignment").with_block("backbone", model=str(folder / "backbone"))
    encoder = build_encoder(recipe)
    return save_artefact(
        folder / "run" / "model", recipe=recipe, encoder=encoder, metrics={}, provenance={}
    ).folder


def start(place: Path, model: Path, corpus: Path) -> "subprocess.Popen[str]":
    options = {
        "model": model,
        "corpus": corpus,
        "index": "photos",
        "milvus": place / "milvus.db",
        "cache": place / "cache",
        "out": place / "out",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    words += ["--set", f"encode.rows_per_block={ROWS_PER_BLOCK}"]
    return subprocess.Popen(
        [sys.executable, "-m", "samesense.cli.main", "embed", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(moment: Callable[[Path], bool], place: Path, embedding: "subprocess.Popen[str]") -> int:
    """Kill the command a random instant after a moment; return its exit code."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not moment(place) and embedding.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    time.sleep(random.random() * 0.2)
    embedding.kill()
    embedding.communicate()
    return embedding.returncode


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("moment", list(MOMENTS)[:: 1 if FULL else 3])
def test_a_killed_embedding_is_completed_by_a_rerun(
    moment: str, number: int, tmp_path: Path, model: Path, corpus: Path
) -> None:
    random.seed(f"{moment} {number}")
    killed = kill_at(MOMENTS[moment], tmp_path, start(tmp_path, model, corpus))
    kept = parts(tmp_path)
    rerun = start(tmp_path, model, corpus)
    _, told = rerun.communicate(timeout=LONGEST_WAIT_S)
    assert rerun.returncode == 0, told[-3000:]
    assert killed == -9 or moment == "the model is in service"
    assert parts(tmp_path) >= kept
    manifest = scan(str(corpus)).manifest
    expected = dict(zip(manifest.column("id"), manifest.column("content_hash"), strict=True))
    with open_store(str(tmp_path / "milvus.db")) as store:
        collections = store.collections("photos")
        found = [pair for one in collections for pair in one.ids_with_hashes().items()]
        assert sum(served.count for served in store.served("photos")) == IMAGES
    assert len(found) == IMAGES
    assert dict(found) == expected
    fates = json.loads((tmp_path / "out" / "summary.json").read_text())["fates"]
    assert sum(fates.values()) == IMAGES
    assert fates["rejected"] == 0
