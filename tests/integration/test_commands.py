"""The commands, as a person types them, from a folder of images to hits."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from samesense.index.store import open_store
from tests.fixtures.bad_images import Bad, write_odd_files
from tests.integration.commands import CONCEPTS, DOMAINS, EACH, samesense, train, write_place

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("ray_cluster")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Path:
    """A folder with a corpus `photos` and a model `backbone`, in which commands are run."""
    return write_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """A training run, made by the command."""
    done = train(place, "runs/one", seed=0)
    assert "train align: 40/40" in done.stderr
    assert "model    " in done.stdout
    return place / "runs" / "one"


@pytest.fixture(scope="module")
def indexed(place: Path, run: Path) -> Path:
    samesense("embed", "--model", "runs/one", "--corpus", "photos", "--index", "photos", cwd=place)
    return place


def test_a_scan_writes_a_manifest_that_other_commands_take(place: Path) -> None:
    done = samesense("corpus", "scan", "photos", "-o", "manifest.parquet", cwd=place)
    images = CONCEPTS * DOMAINS * EACH
    assert f"listed {images} = accepted {images} + rejected 0" in done.stdout
    assert pq.read_table(place / "manifest.parquet").num_rows == images
    again = samesense("corpus", "scan", "manifest.parquet", "-o", "again.parquet", cwd=place)
    assert f"accepted {images}" in again.stdout


def test_training_writes_down_what_it_did(run: Path) -> None:
    record = json.loads((run / "model" / "artefact.json").read_text())
    assert record["provenance"]["seed"] == 0
    assert record["provenance"]["corpus"]["held_out"] == "domain0"
    assert record["provenance"]["versions"]["torch"]
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [step["step"] for step in steps] == list(range(40))
    assert steps[-1]["loss"] < steps[0]["loss"]


def test_an_image_finds_its_concept_in_chosen_domains(indexed: Path) -> None:
    query = "photos/domain1/concept2/3.png"
    done = samesense(
        *("search", "--index", "photos", "--image", query, "--domains", "domain1, domain2"),
        *("--limit", "5", "--grid", "grids/hits.png"),
        cwd=indexed,
    )
    hits = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit()]
    assert len(hits) == 5
    assert hits[0][1:4] == ["1.0000", "domain1", "concept2"]
    assert {hit[2] for hit in hits} <= {"domain1", "domain2"}
    with Image.open(indexed / "grids/hits.png") as grid:
        assert grid.width > grid.height > 100


def test_words_search_the_same_index(indexed: Path) -> None:
    done = samesense("search", "--index", "photos", "--text", "concept1", cwd=indexed)
    assert len(done.stdout.splitlines()) == 10


def test_an_index_holds_every_image_once_and_a_second_run_changes_nothing(indexed: Path) -> None:
    samesense(
        "embed", "--model", "runs/one", "--corpus", "photos", "--index", "photos", cwd=indexed
    )
    summary = json.loads((indexed / "runs" / "embed" / "summary.json").read_text())
    images = CONCEPTS * DOMAINS * EACH
    assert summary["fates"] == {"embedded": 0, "unchanged": images, "rejected": 0}
    assert summary["encoded"] == 0


def test_an_index_follows_its_corpus_and_leaves_others_alone(indexed: Path) -> None:
    shutil.copytree(indexed / "photos", indexed / "alive")
    embed = ("embed", "--model", "runs/one", "--index", "both", "--out", "runs/both")
    for corpus in ("photos", "alive"):
        samesense(*embed, "--corpus", corpus, cwd=indexed)
    (indexed / "alive/domain0/concept0/0.png").unlink()
    (indexed / "alive/domain1/concept0/0.png").write_bytes(b"no image any more")
    shutil.rmtree(indexed / "alive/domain2")
    refused = samesense(*embed, "--corpus", "alive", "--prune", cwd=indexed, code=2)
    assert "more than most_pruned=10% are not deleted" in refused.stderr
    samesense(*embed, "--corpus", "alive", "--prune", "--set", "most_pruned=1", cwd=indexed)
    summary = json.loads((indexed / "runs/both/summary.json").read_text())
    a_domain = CONCEPTS * EACH
    assert summary["fates"] == {"embedded": 0, "unchanged": 2 * a_domain - 2, "rejected": 1}
    assert (summary["removed"], summary["others"]) == (a_domain + 1, 3 * a_domain)
    with open_store(str(indexed / "runs/milvus.db")) as store:
        counts = {served.domain: served.count for served in store.served("both")}
    assert counts == {"domain0": 2 * a_domain - 1, "domain1": 2 * a_domain - 1, "domain2": a_domain}


def test_an_index_is_listed_verified_and_built_again(indexed: Path) -> None:
    listed = samesense("index", "list", "photos", cwd=indexed).stdout
    assert [line.split()[1] for line in listed.splitlines()[1:]] == [f"domain{n}" for n in range(3)]
    assert listed.count("in service") == DOMAINS
    verify = ("index", "verify", "photos", "--out", "runs/embed", "--corpus", "photos")
    assert "verified" in samesense(*verify, "--sample", "5", cwd=indexed).stdout
    images = str(CONCEPTS * EACH)
    embed = ("embed", "--model", "runs/one", "--corpus", "photos", "--index", "photos")
    samesense(*embed, "--set", "parquet=true", "--set", "milvus=null", cwd=indexed)
    build = ("index", "build", "copy", "--vectors", "runs/embed/vectors", "--kind", "hnsw")
    built = samesense(*build, "--switch", cwd=indexed).stdout
    assert [line.split()[1] for line in built.splitlines()[:DOMAINS]] == [images] * DOMAINS
    assert "hnsw" in samesense("index", "list", "copy", cwd=indexed).stdout


def test_trained_models_are_listed_and_shown(place: Path, run: Path) -> None:
    listed = samesense("models", "list", cwd=place).stdout
    assert "domain0" in listed
    assert "runs/one/model" in listed
    assert "alignment" in samesense("models", "show", "runs/one", cwd=place).stdout


def test_a_tower_is_exported_as_a_backbone(place: Path, run: Path) -> None:
    samesense("models", "export", "runs/one", "-o", "exported", cwd=place)
    assert (place / "exported" / "config.json").is_file()
    again = samesense("models", "export", "runs/one", "-o", "exported", cwd=place, code=2)
    assert "exported: is not empty" in again.stderr


def test_bad_files_are_named_with_their_reasons_and_the_run_goes_on(
    indexed: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "odd"
    fates = write_odd_files(corpus)
    bad = {path.name: fate.reason for path, fate in fates.items() if isinstance(fate, Bad)}
    assert len(bad) >= 20
    done = samesense(
        *("embed", "--model", "runs/one", "--corpus", corpus, "--index", "odd"),
        *("--out", tmp_path / "out"),
        cwd=indexed,
    )
    rejections = pq.read_table(tmp_path / "out" / "rejections.parquet").to_pylist()
    assert {Path(row["uri"]).name: row["reason"] for row in rejections} == bad
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["fates"]["embedded"] == len(fates) - len(bad)
    assert sum(summary["fates"].values()) == summary["listed"] == len(fates)
    assert f"rejected {len(bad)}" in done.stdout


EMBED = ("--model", "runs/one", "--corpus", "photos", "--index", "photos")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["corpus", "scan", "nowhere"], "nowhere"),
        (["corpus", "scan", "empty"], "empty"),
        (["corpus", "scan", "bad"], "all 1 rows were rejected (1 empty)"),
        (["corpus", "scan", "photos", "-o", "m.csv"], "name it *.parquet"),
        (["corpus", "scan", "photos", "-o", "taken.parquet"], "cannot be written"),
        (["demo", "--corpus", "empty"], "empty"),
        (["demo", "--corpus", "photos", "--backbone", "nothing"], "nothing"),
        (["embed", "--model", "runs/on", "--corpus", "photos", "--index", "i"], "Did you mean"),
        (["embed", "--model", "runs/one", "--corpus", "nowhere", "--index", "i"], "nowhere"),
        (["embed", "--model", "runs/one", "--corpus", "bad", "--index", "i"], "were rejected"),
        (["embed", "--model", "backbone", "--corpus", "photos", "--index", "i"], "is a backbone"),
        (["embed", "--model", "runs/one", "--index", "i"], "corpus: is required"),
        (["embed", "-c", "none.yaml"], "none.yaml: cannot be read"),
        (["embed", *EMBED, "--set", "kind.kind=hnws"], "Did you mean 'hnsw'"),
        (["embed", *EMBED, "--retry-rejected", "--out", "runs/new"], "run the job first"),
        (["index", "switch", "photos", "--to", "0000"], "no model begins with '0000'"),
        (["index", "switch", "photos", "--back"], "it is the first"),
        (["index", "switch", "photos"], "give either --to MODEL or --back"),
        (["index", "build", "i", "--vectors", "photos"], "holds no exported vectors"),
        (["index", "verify", "photos", "--out", "runs/embed"], "belong together"),
        (["search", "--index", "photo", "--image", "photos/domain1/concept2/3.png"], "'photos'"),
        (["search", "--index", "photos"], "either --image FILE or --text WORDS"),
        (["search", "--index", "photos", "--image", "none.png"], "none.png"),
        (["search", "--index", "photos", "--text", " "], "--text holds no words"),
        (["search", "--index", "photos", "--text", "x", "--domains", "a,,b"], "a name is empty"),
        (["search", "--index", "photos", "--text", "x", "--grid", "hits"], "hits.png"),
        (["search", "--index", "i", "--text", "x", "--milvus", "runs/m.db"], "no index is there"),
        (
            ["search", "--index", "photos", "--text", "x", "--domains", "domain9"],
            "has: domain0, domain1, domain2",
        ),
        (["evaluate", "--model", "runs/one", "--corpus", "photos", "--protocol", "x"], "protocol"),
        (["models", "list", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_told_in_words(indexed: Path, words: list[str], said: str) -> None:
    for folder in ("empty", "bad/domain/concept", "taken.parquet"):
        (indexed / folder).mkdir(parents=True, exist_ok=True)
    (indexed / "bad/domain/concept/1.png").touch()
    told = samesense(*words, cwd=indexed, code=2).stderr
    assert told.splitlines()[-1].startswith("samesense: ")
    assert said in told
    assert "Traceback" not in told
