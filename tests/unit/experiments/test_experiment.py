"""A demo on any corpus: what runs are trained without, and steps that a small corpus can fill."""

from pathlib import Path

import pytest

from samesense.core.errors import CorpusError, TrainingError
from samesense.corpus.manifest import Manifest, item_id
from samesense.corpus.splits import leave_domains_out
from samesense.experiments.experiment import (
    Experiment,
    check_experiment,
    fit_steps,
    held_out_together,
)
from samesense.recipe.load import load_recipe
from samesense.training.options import TrainJob
from samesense.training.sizes import check_sizes

DOMAINS = ("art", "photo", "sketch", "toy")


def corpus(*, domains: int, concepts: int, each: int) -> Manifest:
    rows = [
        {
            "id": item_id(domain=domain, uri=f"{label}/{number}"),
            "uri": f"{label}/{number}",
            "domain": domain,
            "label": f"concept{label}",
            "content_hash": f"{domain}{label}{number}",
        }
        for domain in DOMAINS[:domains]
        for label in range(concepts)
        for number in range(each)
    ]
    return Manifest.from_rows(rows)


def experiment(*, domains: int) -> Experiment:
    return Experiment(
        uri="photos", backbone=None, out=Path("runs"), held_out=DOMAINS[:domains], seeds=2
    )


@pytest.mark.parametrize(
    ("domains", "groups"),
    [
        (2, [("art",), ("photo",)]),
        (3, [("art",), ("photo",), ("sketch",)]),
        (4, [("art", "photo"), ("sketch", "toy")]),
    ],
)
def test_a_backbone_from_scratch_always_has_domains_to_learn_from(
    domains: int, groups: list[tuple[str, ...]]
) -> None:
    assert held_out_together(experiment(domains=domains), domains=domains) == groups
    check_experiment(
        experiment(domains=domains), manifest=corpus(domains=domains, concepts=2, each=4)
    )


@pytest.mark.parametrize("name", ["alignment", "scratch"])
def test_steps_shrink_to_what_a_small_corpus_holds(name: str) -> None:
    manifest = corpus(domains=2, concepts=3, each=5)
    split = leave_domains_out(manifest, held_out=("art",), seed=0)
    recipe = load_recipe(name)

    def job(fitted: object) -> TrainJob:
        return TrainJob(corpus={"uri": "photos", "held_out": "art"}, recipe=fitted, out="runs/one")

    with pytest.raises(TrainingError, match="a step, but training has"):
        check_sizes(job(recipe), manifest=split)
    fitted = fit_steps(recipe, split=split)
    check_sizes(job(fitted), manifest=split)
    sizes = {"alignment": {"concepts_per_step": 3}, "scratch": {"items_per_step": 9}}[name]
    given = recipe.stages[0].sampler.model_dump()
    assert fitted.stages[0].sampler.model_dump() == given | sizes


def test_steps_that_fit_stay_as_they_are() -> None:
    split = leave_domains_out(corpus(domains=3, concepts=7, each=9), held_out=("photo",), seed=0)
    for name in ("alignment", "scratch"):
        recipe = load_recipe(name)
        assert fit_steps(recipe, split=split) == recipe


@pytest.mark.parametrize(
    ("concepts", "each", "said"),
    [
        (1, 8, r"without art there is one concept to train on \(concept0\)"),
        (3, 1, "without art no image is left to search in"),
    ],
)
def test_a_corpus_that_cannot_be_measured_is_refused(concepts: int, each: int, said: str) -> None:
    manifest = corpus(domains=3, concepts=concepts, each=each)
    with pytest.raises(CorpusError, match=said):
        check_experiment(experiment(domains=3), manifest=manifest)
