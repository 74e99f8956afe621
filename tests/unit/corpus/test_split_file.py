"""A shared split says the same wherever it is read, and one that is wrong is refused in words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.leaks import find_leaks
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.corpus.split_file import Head, SplitFile, paths_in
from samesense.corpus.splits import leave_domains_out
from tests.fixtures.corpora import write_patterns

HEAD = Head(rule="clean", held_out=("domain0",), held_out_classes=("concept1",), made={"seed": 0})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patterns(tmp_path_factory.mktemp("corpus"), concepts=3, domains=3, each=4)


@pytest.fixture(scope="module")
def split(corpus: Path) -> Manifest:
    return leave_domains_out(
        scan(str(corpus)).manifest,
        held_out=HEAD.held_out,
        held_out_classes=HEAD.held_out_classes,
        seed=0,
    )


@pytest.fixture
def path(tmp_path: Path, corpus: Path, split: Manifest) -> Path:
    SplitFile.of(split, corpus=str(corpus), head=HEAD).write(tmp_path / "split.json")
    return tmp_path / "split.json"


def with_image(path: Path, number: int = 0, /, **changes: str) -> Path:
    """Change what the file says of one image."""
    told = json.loads(path.read_text())
    told["images"][number] |= changes
    path.write_text(json.dumps(told))
    return path


def number_of(path: Path, **wanted: str) -> int:
    images = json.loads(path.read_text())["images"]
    return next(n for n, one in enumerate(images) if wanted.items() <= one.items())


def test_a_split_means_the_same_on_another_machine(
    tmp_path: Path, corpus: Path, split: Manifest, path: Path
) -> None:
    elsewhere = Path(shutil.copytree(corpus, tmp_path / "moved"))
    read = SplitFile.read(path)
    assert read.head == HEAD
    applied = read.apply(scan(str(elsewhere)).manifest, corpus=str(elsewhere))
    assert list(applied.column("split")) == list(split.column("split"))
    read.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("corpus", "uri", "path"),
    [
        ("/data", "/data/photo/dog/1.jpg", "photo/dog/1.jpg"),
        ("/data/", "/data/photo/dog/1.jpg", "photo/dog/1.jpg"),
        ("/data/corpus.csv", "/data/photo/dog/1.jpg", "photo/dog/1.jpg"),
        ("s3://bucket/data/", "s3://bucket/data/photo/dog/1.jpg", "photo/dog/1.jpg"),
        ("/data/corpus.csv", "s3://bucket/data/1.jpg", "s3://bucket/data/1.jpg"),
        ("/data", "/database/1.jpg", "/database/1.jpg"),
        ("data", "data/photo/dog/1.jpg", "photo/dog/1.jpg"),
    ],
)
def test_a_path_is_relative_to_its_corpus(corpus: str, uri: str, path: str) -> None:
    assert paths_in(corpus, [uri]) == [path]


def test_people_can_read_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert sum('"path": "domain' in line for line in lines) == 36
    assert ' "rule": "clean",' in lines


def test_images_that_a_split_does_not_name_are_unused(
    tmp_path: Path, corpus: Path, path: Path
) -> None:
    more = Path(shutil.copytree(corpus, tmp_path / "more"))
    shutil.copy(more / "domain1/concept0/0.png", more / "domain1/concept0/new.png")
    applied = SplitFile.read(path).apply(scan(str(more)).manifest, corpus=str(more))
    assert applied.of(splits=("unused",)).column("uri").tolist() == [
        str(more / "domain1/concept0/new.png")
    ]


def test_an_image_that_the_corpus_has_in_two_domains_is_told(corpus: Path, path: Path) -> None:
    rows = scan(str(corpus)).manifest.table.to_pylist()
    twice = Manifest.from_rows([*rows, rows[0] | {"domain": "domain2", "id": "x"}])
    with pytest.raises(CorpusError, match=r"0\.png has the domain 'domain2' here and 'domain0' in"):
        SplitFile.read(path).apply(twice, corpus=str(corpus))
    with pytest.raises(CorpusError, match=r"lists domain0/concept0/0\.png more than once"):
        SplitFile.of(twice.with_split(["query"] * len(twice)), corpus=str(corpus), head=HEAD)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "domain0/concept0/9.png"}, "names 1 images that are not there.*9.png"),
        ({"label": "concept2"}, "has the label 'concept0' here and 'concept2' in the split"),
        ({"content_hash": "0"}, "has the content_hash .* it was made of other data"),
    ],
)
def test_a_split_of_other_data_is_refused(
    corpus: Path, path: Path, changes: dict[str, str], message: str
) -> None:
    wrong = SplitFile.read(with_image(path, **changes))
    with pytest.raises(CorpusError, match=message):
        wrong.apply(scan(str(corpus)).manifest, corpus=str(corpus))


MISLABELLED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "a word": (
        {},
        {"split": "qeury"},
        r"no split 'qeury' \(has: train, validation, query, .*Did you mean 'query'\?",
    ),
    "a word of published splits": (
        {"split": "train"},
        {"split": "train_published"},
        "no split 'train_published'",
    ),
    "an image twice": (
        {},
        {"path": "domain0/concept0/1.png"},
        "lists domain0/concept0/1.png more than once",
    ),
    "a held-out class that is trained on": (
        {"split": "gallery_unseen"},
        {"split": "train"},
        "holds out the labels concept1, but 1 images say otherwise, such as "
        "domain1/concept1/0.png of label 'concept1', which is 'train'",
    ),
    "a seen class that is called unseen": (
        {"split": "train"},
        {"split": "gallery_unseen"},
        "but 1 images say otherwise",
    ),
    "a held-out domain that is trained on": (
        {"split": "query"},
        {"split": "train"},
        "holds out the domains domain0, but 1 images say otherwise",
    ),
    "a held-out domain that is searched": (
        {"split": "query"},
        {"split": "gallery"},
        "which is 'gallery'",
    ),
    "a query of a training domain": (
        {"split": "gallery"},
        {"split": "query"},
        "of domain 'domain1', which is 'query'",
    ),
}


@pytest.mark.parametrize("name", MISLABELLED)
def test_a_mislabelled_split_is_refused(path: Path, name: str) -> None:
    which, changes, message = MISLABELLED[name]
    with_image(path, number_of(path, **which), **changes)
    with pytest.raises(CorpusError, match=message):
        SplitFile.read(path)


def test_a_planted_leak_is_refused(path: Path) -> None:
    images = json.loads(path.read_text())["images"]
    learned = images[number_of(path, split="train")]
    with_image(path, number_of(path, split="query"), content_hash=learned["content_hash"])
    with pytest.raises(
        CorpusError, match=f"1 images that are asked have the bytes.*{learned['path']}"
    ):
        SplitFile.read(path)


def test_a_planted_near_duplicate_is_found(tmp_path: Path, corpus: Path, path: Path) -> None:
    """The images say where they are again, so that they can be looked at."""
    manifest = SplitFile.read(path).manifest(str(corpus))
    assert all(Path(uri).is_file() for uri in manifest.column("uri"))
    before = len(find_leaks(manifest, limits=DecodeLimits()))
    rows = manifest.table.to_pylist()
    learned = next(row for row in rows if row["split"] == "train")
    asked = next(row for row in rows if row["split"] == "query")
    asked["uri"] = str(tmp_path / "copy.png")
    shutil.copy(learned["uri"], asked["uri"])
    found = find_leaks(Manifest.from_rows(rows), limits=DecodeLimits())
    assert len(found) > before
    assert (learned["uri"], asked["uri"]) in {(leak.learned, leak.asked) for leak in found}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"held_out_classes": ["concept1", "concept7"]},
            "the label 'concept7', of which it has no",
        ),
        ({"held_out": ["domain0", "domian1"]}, r"the domain 'domian1'.*Did you mean 'domain1'"),
        ({"images": []}, "of which it has no image"),
        ({"format": "samesense-split-2"}, "cannot be read as a split .format: "),
        ({"images": [{"path": "x"}]}, "cannot be read as a split .0.domain: Field required"),
    ],
)
def test_an_empty_class_and_what_is_no_split_are_refused(
    path: Path, changes: dict[str, Any], message: str
) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CorpusError, match=message):
        SplitFile.read(path)


def test_a_file_that_is_no_split_is_told(tmp_path: Path) -> None:
    for text in ("[]", "{", '{"images": 3}', ""):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(CorpusError, match=r"x\.json: cannot be read as a split"):
            SplitFile.read(tmp_path / "x.json")
    with pytest.raises(CorpusError, match="cannot be read as a split"):
        SplitFile.read(tmp_path / "absent.json")
