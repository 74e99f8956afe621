"""What an experiment is, and how it trains a recipe without some domains."""

from dataclasses import dataclass
from pathlib import Path

from samesense.cli.training import train_on
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import SPLITS_FILE, leave_domains_out
from samesense.recipe.options import Recipe
from samesense.training.driver import Trained
from samesense.training.options import TrainingCorpusOptions, TrainJob


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
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri=experiment.uri, held_out=held_out),
        recipe=recipe,
        out=str(experiment.out / f"{recipe.name}-without-{domains}-seed{seed}"),
        cache=experiment.cache,
        seed=seed,
    )
    split = leave_domains_out(manifest, held_out=held_out, seed=seed)
    split.write(Path(job.out) / SPLITS_FILE)
    return train_on(job, split, start="fresh"), split
