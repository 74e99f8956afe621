"""Small training jobs on tiny models, as the commands would run them."""

from pathlib import Path

from samesense.corpus.scan import scan
from samesense.corpus.splits import leave_domains_out
from samesense.experiments.training import train_on
from samesense.recipe.options import Recipe
from samesense.training.driver import Trained
from samesense.training.options import TrainingCorpusOptions, TrainJob
from samesense.training.record import Start

HELD_OUT = "domain2"


def small_job(
    out: Path, corpus: Path, recipe: Recipe, *, steps: int, **options: object
) -> TrainJob:
    """A job of so many steps; the cache lies beside the run."""
    stage = recipe.stages[0].model_copy(update={"steps": steps, "validate_every_steps": None})
    return TrainJob(
        corpus=TrainingCorpusOptions(uri=str(corpus), held_out=HELD_OUT),
        recipe=recipe.model_copy(update={"stages": (stage,)}),
        out=str(out),
        cache=str(out.parent / "cache"),
        **options,
    )


def train_small(job: TrainJob, *, start: Start = "new") -> Trained:
    """Scan, split and train in this process; Ray must be running."""
    manifest = scan(job.corpus.uri).manifest
    split = leave_domains_out(manifest, held_out=job.corpus.held_out, seed=job.seed)
    return train_on(job, split, start=start)
