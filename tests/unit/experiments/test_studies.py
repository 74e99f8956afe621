"""Which runs are one model, what models are called, and which cannot be compared."""

from pathlib import Path
from typing import Any

import pytest

from samesense.artefact.folder import Artefact, Record
from samesense.core.errors import ConfigError
from samesense.experiments.studies import studies_of
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from samesense.training.options import TrainingCorpusOptions, TrainJob

ALIGNMENT = load_recipe("alignment").with_block("backbone", model="backbone")


def artefact(
    folder: str, *, seed: int = 0, held_out: str = "sketch", recipe: Recipe = ALIGNMENT
) -> Artefact:
    """A model as it was read, but for its weights, which nobody asks for here."""
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri="photos", held_out=held_out),
        recipe=recipe,
        out=folder,
        seed=seed,
    )
    record = Record(
        format=1,
        fingerprint="f",
        tower_fingerprints={},
        tower_widths={},
        metrics={},
        provenance={"config": job.model_dump(mode="json")},
    )
    return Artefact(folder=Path(folder) / "model", recipe=recipe, record=record)


def variant(**changes: Any) -> Recipe:
    stage = ALIGNMENT.stages[0].model_copy(update=changes)
    return ALIGNMENT.model_copy(update={"stages": (stage,)})


def test_runs_that_differ_in_the_seed_alone_are_one_model() -> None:
    runs = [artefact(f"runs/seed{seed}", seed=seed) for seed in (0, 1, 2)]
    (study,) = studies_of(runs)
    assert study.name == "alignment"
    assert list(study.artefacts) == [(("sketch",), 0), (("sketch",), 1), (("sketch",), 2)]
    assert list(study.artefacts.values()) == runs


def test_so_are_runs_that_hold_out_different_domains() -> None:
    runs = [artefact("runs/a", held_out="sketch"), artefact("runs/b", held_out="photo")]
    (study,) = studies_of(runs)
    assert set(study.artefacts) == {(("sketch",), 0), (("photo",), 0)}


def test_another_recipe_is_another_model() -> None:
    runs = [artefact("runs/a"), artefact("runs/b", recipe=variant(steps=7))]
    assert [study.name for study in studies_of(runs)] == ["runs/a", "runs/b"]
    named = ALIGNMENT.model_copy(update={"name": "mine"})
    runs = [artefact("runs/a"), artefact("runs/b", recipe=named)]
    assert [study.name for study in studies_of(runs)] == ["alignment", "mine"]


def test_the_same_run_twice_is_two_models() -> None:
    assert [study.name for study in studies_of([artefact("runs/a"), artefact("runs/b")])] == [
        "runs/a",
        "runs/b",
    ]


def test_models_of_several_runs_are_named_by_the_folder_of_these() -> None:
    runs = [artefact(f"out/gated/sketch-seed{seed}", seed=seed) for seed in (0, 1)]
    runs += [
        artefact(f"out/longer/sketch-seed{seed}", seed=seed, recipe=variant(steps=7))
        for seed in (0, 1)
    ]
    assert [study.name for study in studies_of(runs)] == ["out/gated", "out/longer"]


def test_where_these_lie_together_by_the_folder_of_the_first() -> None:
    runs = [artefact(f"runs/a{seed}", seed=seed) for seed in (0, 1)]
    runs += [artefact(f"runs/b{seed}", seed=seed, recipe=variant(steps=7)) for seed in (0, 1)]
    assert [study.name for study in studies_of(runs)] == ["runs/a0", "runs/b0"]


def test_models_that_were_not_asked_the_same_are_refused() -> None:
    runs = [artefact("runs/a", seed=0), artefact("runs/b", seed=1, recipe=variant(steps=7))]
    with pytest.raises(ConfigError, match="without sketch by seed 0, model runs/b without sketch"):
        studies_of(runs)
