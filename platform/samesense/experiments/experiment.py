"""What an experiment is, whether a corpus allows it, and how it trains without some domains."""

from dataclasses import dataclass
from pathlib import Path

from samesense.core.errors import CorpusError
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import leave_domains_out
from samesense.experiments.training import train_on
from samesense.recipe.options import (
    BalancedSamplerOptions,
    Recipe,
    Sampler,
    ShuffledSamplerOptions,
    StageOptions,
)
from samesense.training.driver import Trained
from samesense.training.options import TrainingCorpusOptions, TrainJob

HELD_OUT_TOGETHER = 2
"""A backbone from scratch is trained once for so many held-out domains and sees none of them."""


@dataclass(frozen=True)
class Experiment:
    """What to run."""

    uri: str
    """The corpus."""
    backbone: str | None
    """A pretrained model, or none to train a small one."""
    out: Path
    held_out: tuple[str, ...]
    seeds: int

    @property
    def cache(self) -> str:
        """Where all runs keep tower vectors."""
        return str(self.out / "cache")


def held_out_together(experiment: Experiment, *, domains: int) -> list[tuple[str, ...]]:
    """Part the held-out domains into groups that a backbone from scratch is trained without.

    Where a corpus has so many domains, two at least are left to train on, and always one.
    """
    together = max(1, min(HELD_OUT_TOGETHER, domains - 2))
    held_out = experiment.held_out
    return [held_out[start : start + together] for start in range(0, len(held_out), together)]


def check_experiment(experiment: Experiment, *, manifest: Manifest) -> None:
    """Check that every run of the experiment has something to train and to measure on.

    Raises:
        CorpusError: saying what is missing without which domains.
    """
    held_out: set[tuple[str, ...]] = {(domain,) for domain in experiment.held_out}
    if experiment.backbone is None:
        held_out |= set(held_out_together(experiment, domains=len(manifest.domains)))
    for seed in range(experiment.seeds):
        for domains in sorted(held_out):
            split = leave_domains_out(manifest, held_out=domains, seed=seed)
            _check_split(split, without=" and ".join(domains))


def _check_split(split: Manifest, *, without: str) -> None:
    concepts = split.of(splits=("train",)).labels
    if len(concepts) < 2:
        raise CorpusError(
            f"without {without} there is one concept to train on ({concepts[0]}); "
            "what tells concepts apart needs two or more"
        )
    if "gallery" not in split.column("split"):
        raise CorpusError(
            f"without {without} no image is left to search in; "
            "some concept must have two images or more in another domain"
        )


def fit_steps(recipe: Recipe, *, split: Manifest) -> Recipe:
    """Return the recipe with steps that the ``train`` split can fill."""
    training = split.of(splits=("train",))
    stages = tuple(
        stage.model_copy(update={"sampler": _fitted(stage.sampler, training)})
        if isinstance(stage, StageOptions)
        else stage
        for stage in recipe.stages
    )
    return recipe.model_copy(update={"stages": stages})


def _fitted(sampler: Sampler, training: Manifest) -> Sampler:
    match sampler:
        case BalancedSamplerOptions():
            most = min(sampler.concepts_per_step, len(training.labels))
            return sampler.model_copy(update={"concepts_per_step": most})
        case ShuffledSamplerOptions():
            most = min(sampler.items_per_step, len(training))
            return sampler.model_copy(update={"items_per_step": most})


def train_without(
    held_out: tuple[str, ...],
    *,
    experiment: Experiment,
    recipe: Recipe,
    manifest: Manifest,
    seed: int,
) -> tuple[Trained, Manifest]:
    """Train a recipe on the other domains; return the run and the manifest with its splits."""
    domains = "-".join(held_out)
    split = leave_domains_out(manifest, held_out=held_out, seed=seed)
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri=experiment.uri, held_out=held_out),
        recipe=fit_steps(recipe, split=split),
        out=str(experiment.out / f"{recipe.name}-without-{domains}-seed{seed}"),
        cache=experiment.cache,
        seed=seed,
    )
    return train_on(job, split, start="fresh"), split
