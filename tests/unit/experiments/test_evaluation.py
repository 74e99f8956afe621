"""What a trained model is compared with, and what it must not be evaluated on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from samesense.artefact.folder import Artefact, save_artefact
from samesense.core.errors import ArtefactError, CorpusError
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_encoder
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.rated import Rated, rate
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import Row
from samesense.experiments.evaluation import compare, refuse_leaks
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from samesense.vectors.cache import VectorCache
from tests.fixtures.tiny_models import build_clip

KEYS = ["a" * 64, "b" * 64]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    build_clip(tmp_path / "clip")
    return load_recipe("clip_domain").with_block("clip", model=str(tmp_path / "clip"))


def save(run: Path, name: str, recipe: Recipe, *, trained: bool) -> Artefact:
    """Save a model whose tower, if trained, is twice the one it started from."""
    encoder = build_encoder(recipe)
    if trained:
        with torch.no_grad():
            next(encoder.blocks["clip"].parameters()).mul_(2)
    return save_artefact(
        run / name,
        recipe=recipe,
        encoder=encoder,
        changed_towers=frozenset({"clip"} if trained else ()),
        metrics={},
        provenance={},
    )


def manifest(*splits: str) -> Manifest:
    rows = zip(KEYS, splits, strict=True)
    return Manifest.from_rows(
        [{"uri": k, "domain": s, "label": "x", "content_hash": k, "split": s} for k, s in rows]
    )


def put(cache: Path, artefact: Artefact, h_ND: np.ndarray) -> None:
    """Leave tower vectors in the cache, so that no tower need run."""
    VectorCache(cache, fingerprint=artefact.tower_fingerprint()).put(KEYS, h_ND)


def compared(artefact: Artefact, cache: Path) -> Fold:
    split = manifest("gallery", "query")
    return compare(artefact, split, cache_root=str(cache), limits=DecodeLimits())


def unit_rows(*angles: float) -> np.ndarray:
    h_ND = np.zeros((len(angles), 16), dtype=np.float32)
    h_ND[:, 0], h_ND[:, 1] = np.cos(angles), np.sin(angles)
    return h_ND


def test_a_trained_tower_is_compared_with_the_one_it_started_from(
    tmp_path: Path, recipe: Recipe
) -> None:
    start = save(tmp_path, "start", recipe, trained=False)
    model = save(tmp_path, "model", recipe, trained=True)
    put(tmp_path / "cache", start, 3 * unit_rows(0.1, 0.2))
    put(tmp_path / "cache", model, 5 * unit_rows(0.3, 0.4))
    fold = compared(model, tmp_path / "cache")
    assert fold.before.z_ND == pytest.approx(unit_rows(0.1, 0.2), abs=1e-3)
    assert fold.after.z_ND == pytest.approx(unit_rows(0.3, 0.4), abs=1e-3)


def test_without_the_model_before_training_no_number_is_made_up(
    tmp_path: Path, recipe: Recipe
) -> None:
    model = save(tmp_path, "model", recipe, trained=True)
    put(tmp_path / "cache", model, unit_rows(0.3, 0.4))
    with pytest.raises(ArtefactError, match="start: is missing"):
        compared(model, tmp_path / "cache")


def test_a_frozen_tower_is_its_own_start(tmp_path: Path, recipe: Recipe) -> None:
    model = save(tmp_path, "model", recipe, trained=False)
    put(tmp_path / "cache", model, unit_rows(0.3, 0.4))
    fold = compared(model, tmp_path / "cache")
    assert fold.before.z_ND == pytest.approx(fold.after.z_ND, abs=1e-6)


def test_an_evaluation_needs_what_training_wrote_down(tmp_path: Path) -> None:
    now, path = manifest("gallery", "query"), tmp_path / "manifest.parquet"
    with pytest.raises(ArtefactError, match=r"manifest\.parquet: is missing"):
        refuse_leaks(now, trained_on=path)
    manifest("train", "validation").write(path)
    with pytest.raises(CorpusError, match="2 images that this model was trained on"):
        refuse_leaks(now, trained_on=path)


def fold(before: np.ndarray, after: np.ndarray) -> Fold:
    split = Manifest.from_rows(
        [
            {"uri": str(i), "domain": domain, "label": "ab"[i % 2], "content_hash": str(i)}
            | {"split": "query" if domain == "sketch" else "gallery"}
            for i, domain in enumerate(["sketch"] * 40 + ["photo"] * 40)
        ]
    )
    return Fold("sketch", Embedded(split, before), Embedded(split, after))


def beside(first: Rated, other: Rated) -> list[Row]:
    return [one.row for one in first.measured() + other.measured_beside(first)]


def test_two_models_are_compared_on_the_same_queries() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((80, 4)).astype(np.float32)
    perfect = np.eye(4, dtype=np.float32)[np.arange(80) % 2]
    first = rate(fold(noise, noise), seed=0, model="first")
    second = rate(fold(noise, perfect), seed=0, model="second")
    rows = {(row.model, row.metric): row for row in beside(first, second)}
    assert rows["second", "mAP@200"].value == 1
    difference = rows["second", "mAP@200 over first"]
    assert difference.value == pytest.approx(1 - rows["first", "mAP@200"].value)
    assert 0 < difference.low < difference.value < difference.high
    assert difference.p_value < 0.001 < rows["first", "mAP@200"].p_value
    # One backbone, one row of it.
    assert [model for model, metric in rows if metric == "mAP@200"] == [
        "identity",
        "first",
        "second",
    ]


def test_a_backbone_of_its_own_has_rows_of_its_own() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((80, 4)).astype(np.float32) for _ in range(2))
    first, other = rate(fold(b, b), seed=0, model="y"), rate(fold(a, a), seed=0, model="x")
    assert "identity of x" in {row.model for row in beside(first, other)}
