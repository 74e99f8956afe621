"""``samesense corpus list|split|leaks``, as a person types them."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from samesense.cli.main import app
from samesense.corpus.rendered.write import render_image
from tests.fixtures.corpora import write_patterns


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["corpus", *map(str, words)])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patterns(tmp_path_factory.mktemp("corpus"), concepts=4, domains=4, each=5)


def splits(path: Path) -> Counter[str]:
    return Counter(one["split"] for one in json.loads(path.read_text())["images"])


def test_a_clean_split_without_a_domain_and_a_class(tmp_path: Path, photos: Path) -> None:
    out = tmp_path / "split.json"
    told = run(
        *("split", photos, "-o", out, "--held-out", "domain1"),
        *("--held-out-classes", "concept2", "--seed", 3),
    )
    assert told.exit_code == 0, told.output
    expected = {"query": 15, "query_unseen": 5, "gallery_unseen": 15}
    expected |= {"train": 27, "validation": 9, "gallery": 9}
    assert splits(out) == expected
    assert "gallery_unseen             15" in told.output
    assert json.loads(out.read_text())["made"] == {"seed": 3}


def test_a_published_split_from_lists_of_classes(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "train.txt").write_text("concept1\nconcept0\n")
    out = tmp_path / "split.json"
    told = run(
        *("split", photos, "-o", out, "--rule", "official", "--held-out", "domain1"),
        *("--gallery-domain", "domain0", "--seen-domain", "domain2"),
        *("--train-classes", tmp_path / "train.txt", "--held-out-classes", "concept3"),
    )
    assert told.exit_code == 0, told.output
    head = json.loads(out.read_text())
    assert head["made"]["train_classes"] == "concept1, concept0"
    assert splits(out) == {
        "train": 2 * (3 + 5 + 5),
        "train_published": 2,
        "gallery": 2,
        "query": 2 * 4,
        "query_published": 2,
        "query_unseen": 5,
        "gallery_unseen": 5,
        "query_known_domain": 5,
        "unused": 5 + 4 * 5,
    }


def test_a_published_split_tells_its_leak(tmp_path: Path, photos: Path) -> None:
    """Each image that the published UdCDR trains on and searches is a pair with itself."""
    out = tmp_path / "split.json"
    run(
        *("split", photos, "-o", out, "--rule", "official", "--held-out", "domain1"),
        *("--gallery-domain", "domain0", "--seen-domain", "domain2"),
        *("--held-out-classes", "concept3"),
    )
    told = run("leaks", out, "--corpus", photos)
    assert told.exit_code != 0
    lines = (tmp_path / "leaks.csv").read_text().splitlines()
    itself = [line for line in lines if line.startswith("same bytes")]
    assert len(itself) == splits(out)["train_published"] == 3


def drawn(folder: Path, *, domain: str, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    picture = render_image(domain, concept="star", number=number, side_px=160, seed=0)
    picture.save(folder / f"{number}.png")


def test_a_leak_that_was_planted_in_a_shared_split_ends_with_an_error(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for number in range(4):
        drawn(corpus / "photo" / "star", domain="photo", number=number)
        drawn(corpus / "sketch" / "star", domain="sketch", number=number)
    out = tmp_path / "split.json"
    assert run("split", corpus, "-o", out, "--held-out", "sketch").exit_code == 0
    assert run("leaks", out, "--corpus", corpus).output.strip().endswith("was learned from")
    images = json.loads(out.read_text())["images"]
    trained = next(one["path"] for one in images if one["split"] == "train")
    shutil.copy(corpus / trained, corpus / "sketch/star/3.png")
    told = run("leaks", out, "--corpus", corpus)
    assert "1 pairs of one image that is learned from and one that is asked" in str(told.exception)
    # Made anew, the copy is trained on nowhere.
    assert run("split", corpus, "-o", out, "--held-out", "sketch").exit_code == 0
    assert splits(out)["duplicate"] == 1


def test_a_split_needs_its_corpus_and_a_manifest_has_it(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert "name its corpus" in str(run("leaks", tmp_path / "x.json").exception)
    told = run("leaks", tmp_path / "x.parquet", "--corpus", tmp_path)
    assert "says where it is" in str(told.exception)


def test_a_data_set_in_its_own_layout_is_listed_and_split_by_its_own_lists(tmp_path: Path) -> None:
    for domain in ("SUN", "PASCAL"):
        for part in ("train", "crossval", "test"):
            for number in range(2):
                seed = len(domain) * 100 + len(part) * 10 + number
                drawn(tmp_path / domain / part / "3", domain="photo", number=seed)
    told = run("list", tmp_path, "--layout", "vlcs")
    assert told.exit_code == 0, told.output
    assert "SUN                     6" in told.output
    out = tmp_path / "sun.json"
    told = run("split", tmp_path / "corpus.csv", "-o", out, "--rule", "lists", "--held-out", "SUN")
    assert told.exit_code == 0, told.output
    assert splits(out) == {"train": 2, "validation": 2, "gallery": 2, "query": 2, "unused": 4}
    labels = {(one["domain"], one["label"]) for one in json.loads(out.read_text())["images"]}
    assert labels == {("SUN", "dog"), ("PASCAL", "dog")}
