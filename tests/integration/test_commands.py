"""The commands, as a person types them, from a folder of images to hits."""

import contextlib
import io
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from samesense.cli.main import main
from samesense.index.store import open_store
from tests.conftest import ROOT
from tests.fixtures.bad_images import Bad, write_odd_files
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import MLLMS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("ray_cluster")]
CONCEPTS, DOMAINS, EACH = 6, 3, 10


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    stdout: str
    stderr: str


def samesense(*words: str | Path, cwd: Path, code: int = 0) -> Said:
    """Run a command in this process, on the session's Ray, and check its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["samesense", *map(str, words)])
        silenced = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with silenced[0], silenced[1], pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == code, err.getvalue()
    return Said(out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Path:
    """A folder with a corpus `photos` and a model `backbone`, in which commands are run."""
    folder = tmp_path_factory.mktemp("place")
    write_patterns(folder / "photos", concepts=CONCEPTS, domains=DOMAINS, each=EACH)
    MLLMS["idefics3"](folder / "backbone")
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """A training run, made by the command."""
    done = train(place, "runs/one", seed=0)
    assert "train align: 40/40" in done.stderr
    assert "model    " in done.stdout
    return place / "runs" / "one"


def train(place: Path, out: str, *, seed: int) -> Said:
    return samesense(
        *("train", "-c", ROOT / "jobs/configs/alignment.yaml"),
        *("--set", "corpus.uri=photos", "--set", "corpus.held_out=domain0"),
        *("--set", "recipe.blocks.backbone.model=backbone", "--set", "recipe.stages.0.steps=40"),
        *("--set", "recipe.stages.0.validate_every_steps=20"),
        *("--set", f"out={out}", "--set", f"seed={seed}"),
        cwd=place,
    )


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


def test_an_evaluation_compares_with_the_unaligned_backbone(place: Path, run: Path) -> None:
    command = ("evaluate", "--model", "runs/one", "--corpus", "photos", "--out", "both.json")
    table = samesense(*command, "--protocol", "udcdr", cwd=place).stdout
    square = samesense(*command, "--protocol", "matrix", cwd=place).stdout
    classified = samesense(*command, "--protocol", "dg", cwd=place).stdout
    assert "accuracy, prototypes" in classified
    gap = samesense(*command, "--protocol", "gap", cwd=place).stdout
    assert "neighbour mixing" in gap
    assert "intervals over queries" in table
    rows = json.loads((place / "both.json").read_text())
    assert {row["model"] for row in rows} == {"identity", "alignment"}
    assert {row["held_out"] for row in rows} == {"domain0"}
    assert all(0 <= row["value"] <= 1 for row in rows if row["metric"].startswith("mAP"))
    udcdr = [row for row in rows if row["protocol"] == "udcdr-clean"]
    assert {"mAP@200", "Prec@200"} <= {row["metric"] for row in udcdr}
    assert {row["n_queries"] for row in udcdr} == {CONCEPTS * EACH}
    aligned = [row for row in udcdr if row["model"] != "identity" and row["low"] is not None]
    assert {row["metric"] for row in aligned} == {"mAP@200", "Prec@200", "mAP@all"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in aligned)
    assert all(0 < row["p_value"] <= 1 for row in aligned)
    shutil.copytree(place / "runs/one", place / "runs/two")
    page = ("--report", "page.html")
    beside = samesense(*command, "--model", "runs/two", *page, cwd=place).stdout
    assert "neighbour mixing" in (place / "page.html").read_text()
    assert "mAP@200 over runs/one" in beside
    cells = {row["metric"]: row for row in rows if row["protocol"] == "matrix-clean"}
    assert len(cells) == DOMAINS**2 + 1
    there = cells["mAP@all domain0→domain1"]
    assert (there["n_queries"], there["n_gallery"]) == (CONCEPTS * EACH, CONCEPTS * EACH // 5)
    assert f"{udcdr[0]['value']:.3f}" in table
    assert f"{there['value']:.3f}" in square
    assert max(map(len, square.splitlines())) < 80


def test_runs_of_two_seeds_are_one_model(place: Path, run: Path) -> None:
    train(place, "other/seed1", seed=1)
    both = ("--model", "runs/one", "--model", "other/seed1")
    asked = ("evaluate", *both, "--corpus", "photos", "--out", "rows.json")
    told = samesense(*asked, "--report", "seeds.html", cwd=place).stdout
    rows = json.loads((place / "rows.json").read_text())
    assert {(row["model"], row["seed"]) for row in rows} == {
        (model, seed) for model in ("identity", "alignment") for seed in (0, 1)
    }
    values = [
        row["value"] for row in rows if (row["model"], row["metric"]) == ("alignment", "mAP@200")
    ]
    assert f"{sum(values) / 2:.3f} ± " in told
    assert "± standard deviation over seeds" in told
    page = json.loads((place / "seeds.json").read_text())
    assert page["rows"] == rows
    card = samesense("models", "show", "other/seed1", cwd=place).stdout
    assert "## Evaluation by udcdr-clean, held out: domain0" in card
    assert "Over 2 seeds" in card
    assert "parameters trained" in (place / "seeds.html").read_text()


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


EVALUATE_GAP = ("evaluate", "--model", "runs/one", "--corpus", "photos", "--protocol", "gap")


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
        (
            [*EVALUATE_GAP, "--report", "page.html"],
            "--report: the page is of protocol udcdr",
        ),
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
