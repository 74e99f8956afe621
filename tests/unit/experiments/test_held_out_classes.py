"""What is asked of models that were trained without some classes, by a rule or a shared split."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from samesense.artefact.folder import Artefact, save_artefact
from samesense.cli.splitting import check_names, split_corpus
from samesense.core.errors import ConfigError, CorpusError
from samesense.corpus.manifest import Manifest
from samesense.corpus.published import Published, published_split
from samesense.corpus.scan import scan
from samesense.corpus.split_file import SPLIT_FILE, Head, SplitFile
from samesense.corpus.splits import SPLITS_FILE
from samesense.encoder.build import build_encoder
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.results import Row
from samesense.experiments.evaluation import run_evaluation, splits_of
from samesense.experiments.studies import studies_of
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from samesense.training.options import TrainingCorpusOptions, TrainJob
from samesense.vectors.cache import VectorCache
from tests.fixtures.corpora import write_patterns
from tests.fixtures.tiny_models import build_clip

TEST = ("concept2", "concept3")
WHO = Published(
    gallery="domain0",
    seen="domain1",
    held_out="domain3",
    train=("concept0", "concept1"),
    validation=(),
    test=TEST,
)


@dataclass(frozen=True)
class Place:
    """A corpus of 4 domains, 4 classes and 13 images each, and a model of no use."""

    root: Path
    recipe: Recipe
    manifest: Manifest

    @property
    def corpus(self) -> str:
        return str(self.root / "photos")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("place")
    write_patterns(root / "photos", concepts=4, domains=4, each=13)
    build_clip(root / "clip")
    recipe = load_recipe("clip_domain").with_block("clip", model=str(root / "clip"))
    return Place(root, recipe, scan(str(root / "photos")).manifest)


@pytest.fixture(scope="module")
def published(place: Place) -> Path:
    split = published_split(place.manifest, who=WHO)
    head = Head(rule="official", held_out=("domain3",), held_out_classes=TEST, made={})
    path = place.root / "published.json"
    SplitFile.of(split, corpus=place.corpus, head=head).write(path)
    return path


def job_of(place: Place, out: Path, **corpus: object) -> TrainJob:
    options = TrainingCorpusOptions.model_validate({"uri": place.corpus, **corpus})
    return TrainJob(corpus=options, recipe=place.recipe, out=str(out))


def trained(job: TrainJob) -> Artefact:
    """Leave what a training leaves, and random vectors where its tower would put them."""
    check_names(job)
    split = split_corpus(job)
    split.write(Path(job.out) / SPLITS_FILE)
    artefact = save_artefact(
        Path(job.out) / "model",
        recipe=job.recipe,
        encoder=build_encoder(job.recipe),
        metrics={},
        provenance={"config": job.model_dump(mode="json")},
    )
    keys = list(dict.fromkeys(split.column("content_hash")))
    h_ND = np.random.default_rng(0).standard_normal((len(keys), 16)).astype(np.float32)
    cache = VectorCache(Path(job.out) / "cache", fingerprint=artefact.tower_fingerprint())
    cache.put(keys, h_ND)
    return artefact


def measured(place: Place, artefact: Artefact, **options: str) -> dict[str, Row]:
    """Return the aligned rows by metric; the unaligned backbone stands beside each."""
    run = artefact.folder.parent
    job = EvaluateJob(models=(str(run),), corpus=place.corpus, cache=str(run / "cache"), **options)
    studies = studies_of([artefact])
    splits = splits_of(studies, place.manifest, job=job)
    rows = run_evaluation(job, studies=studies, splits=splits).rows
    baseline = {row.metric for row in rows if row.model == "identity"}
    aligned = {row.metric: row for row in rows if row.model != "identity"}
    assert baseline == set(aligned)
    return aligned


def sizes(rows: dict[str, Row]) -> tuple[str, str, int, int]:
    row = rows["mAP@200"]
    return row.protocol, row.held_out, row.n_queries, row.n_gallery


def test_a_model_without_a_domain_and_classes_is_asked_all_three_protocols(
    tmp_path: Path, place: Place
) -> None:
    """3 training domains; of 13 images of a seen class 3 are gallery, of an unseen one all are."""
    job = job_of(place, tmp_path / "run", held_out="domain3", held_out_classes=TEST)
    model = trained(job)
    assert Manifest.read(tmp_path / "run" / SPLITS_FILE).of(splits=("train",)).labels == [
        "concept0",
        "concept1",
    ]
    seen, unseen = 3 * 2 * 3, 3 * 2 * 13
    expected = {
        "udcdr": ("udcdr-clean", "domain3", 26, seen),
        "uccdr": ("uccdr-clean", "domain3", unseen, unseen),
        "ucdr": ("ucdr-clean", "domain3", 26, unseen),
    }
    for protocol, told in expected.items():
        assert sizes(measured(place, model, protocol=protocol)) == told
    mixed = measured(place, model, protocol="ucdr", gallery="mixed")
    assert sizes(mixed) == ("ucdr-mixed-clean", "domain3", 26, seen + unseen)


def test_classes_alone_are_held_out_by_their_number(tmp_path: Path, place: Place) -> None:
    model = trained(job_of(place, tmp_path / "run", held_out=[], held_out_classes=TEST))
    expected = ("uccdr-clean", "2 classes", 4 * 2 * 13, 4 * 2 * 13)
    assert sizes(measured(place, model, protocol="uccdr")) == expected
    with pytest.raises(CorpusError, match="udcdr: 0 queries"):
        measured(place, model)


def test_a_published_split_is_asked_as_published_and_clean(
    tmp_path: Path, place: Place, published: Path
) -> None:
    """Of 13 images 92 % are 11 to train on, which leaves 2; a quarter is 3."""
    model = trained(job_of(place, tmp_path / "run", held_out="domain3", split=str(published)))
    official = measured(place, model, variant="official")
    assert sizes(official) == ("udcdr-official", "domain3", 2 * 3, 2 * 3)
    assert sizes(measured(place, model)) == ("udcdr-clean", "domain3", 2 * 13, 2 * 2)
    for protocol in ("uccdr", "ucdr"):
        rows = measured(place, model, protocol=protocol, variant="official")
        assert sizes(rows) == (f"{protocol}-official", "domain3", 26, 26)
    training = Manifest.read(tmp_path / "run" / SPLITS_FILE)
    counts = [int((training.column("split") == word).sum()) for word in ("train", "validation")]
    assert counts == [2 * (11 + 13 + 13), 0]  # what the gallery is drawn from is trained on


def test_a_split_that_was_not_published_has_no_official_variant(
    tmp_path: Path, place: Place
) -> None:
    model = trained(job_of(place, tmp_path / "run", held_out="domain3"))
    with pytest.raises(ConfigError, match="was not trained on a published split"):
        measured(place, model, variant="official")
    with pytest.raises(CorpusError, match=r"ucdr: 0 queries .* classes held out"):
        measured(place, model, protocol="ucdr")


def test_a_run_whose_split_was_changed_to_ask_what_was_trained_on_is_refused(
    tmp_path: Path, place: Place, published: Path
) -> None:
    model = trained(job_of(place, tmp_path / "run", held_out="domain3", split=str(published)))
    path = tmp_path / "run" / SPLIT_FILE
    told = SplitFile.read(path)
    changed = [
        replace(one, split="gallery") if (one.split, one.domain) == ("train", "domain0") else one
        for one in told.images
    ]
    SplitFile(told.head, changed).write(path)
    with pytest.raises(CorpusError, match="that this model was trained on would be evaluated"):
        measured(place, model)


def test_a_split_of_other_domains_or_data_is_refused_before_training(
    tmp_path: Path, place: Place, published: Path
) -> None:
    job = job_of(place, tmp_path / "run", held_out="domain1", split=str(published))
    with pytest.raises(CorpusError, match=r"corpus\.held_out: .* holds out domain3; say the same"):
        check_names(job)
    moved = Path(shutil.copytree(place.corpus, tmp_path / "photos"))
    (moved / "domain0/concept0/3.png").unlink()
    fewer = Place(tmp_path, place.recipe, place.manifest)
    job = job_of(fewer, tmp_path / "run", held_out="domain3", split=str(published))
    with pytest.raises(CorpusError, match=r"corpus\.split: .*names 1 images that are not there"):
        split_corpus(job)
