"""The leave-one-domain-out experiment: every held-out domain, every seed, before and after.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samesense.artefact.provenance import provenance
from samesense.bulk.embed import embed_corpus
from samesense.bulk.options import EmbedJob
from samesense.cli.evaluation import compare, fold_rows
from samesense.cli.training import train_on
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import SPLITS_FILE, leave_one_domain_out
from samesense.encoder.scratch import build_idefics3
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.results import Row
from samesense.recipe.load import load_recipe
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


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    rows: list[Row]
    report: Report
    model: Path
    """The model of the first fold, with which the corpus was indexed."""
    index: str
    milvus: str
    searched_domain: str
    """The domain that this model has never seen."""


def run_experiment(experiment: Experiment, manifest: Manifest) -> Outcome:
    """Train and evaluate every fold, then index the corpus with the first fold's model.

    Ray must be running.
    """
    started = time.monotonic()
    recipe = choose_recipe(experiment, manifest)
    rows: list[Row] = []
    folds: list[Fold] = []
    trained: list[Trained] = []
    for seed in range(experiment.seeds):
        for held_out in experiment.held_out:
            print(f"\nseed {seed}, held out: {held_out}", flush=True)
            job = _job(experiment, recipe, held_out, seed)
            split = leave_one_domain_out(manifest, held_out=held_out, seed=seed)
            split.write(Path(job.out) / SPLITS_FILE)
            trained.append(train_on(job, split))
            fold = compare(
                trained[-1].artefact, split, cache_root=job.cache, limits=job.corpus.limits
            )
            rows += fold_rows(fold, seed=seed, model=_model_name(recipe))
            if seed == 0:
                folds.append(fold)
    milvus = str(experiment.out / "milvus.db")
    model = Path(_job(experiment, recipe, experiment.held_out[0], 0).out)
    index = experiment.out.name
    embed_corpus(_embed_job(experiment, model, index, milvus))
    seconds = time.monotonic() - started
    return Outcome(
        rows=rows,
        report=_report(experiment, manifest, rows, folds, trained, seconds),
        model=model,
        index=index,
        milvus=milvus,
        searched_domain=experiment.held_out[0],
    )


def choose_recipe(experiment: Experiment, manifest: Manifest) -> Recipe:
    """Return the alignment recipe on the given backbone, or on a small one made for the corpus."""
    if experiment.backbone is not None:
        return _on_backbone(load_recipe("alignment"), experiment.backbone)
    folder = (experiment.out / "backbone").absolute()
    if not folder.is_dir():
        build_idefics3(folder, words=manifest.labels, seed=0)
    return _on_backbone(load_recipe("demo"), str(folder))


def _on_backbone(recipe: Recipe, model: str) -> Recipe:
    block = recipe.blocks["backbone"].model_copy(update={"model": model})
    return recipe.model_copy(update={"blocks": {**recipe.blocks, "backbone": block}})


def _model_name(recipe: Recipe) -> str:
    return recipe.blocks["align"].kind


def _job(experiment: Experiment, recipe: Recipe, held_out: str, seed: int) -> TrainJob:
    return TrainJob(
        corpus=TrainingCorpusOptions(uri=experiment.uri, held_out=held_out),
        recipe=recipe,
        out=str(experiment.out / f"{held_out}-seed{seed}"),
        cache=str(experiment.out / "cache"),
        seed=seed,
    )


def _embed_job(experiment: Experiment, model: Path, index: str, milvus: str) -> EmbedJob:
    return EmbedJob(
        model=str(model),
        corpus=experiment.uri,
        index=index,
        milvus=milvus,
        cache=str(experiment.out / "cache"),
        out=str(experiment.out / "embed"),
    )


def _report(
    experiment: Experiment,
    manifest: Manifest,
    rows: list[Row],
    folds: list[Fold],
    trained: list[Trained],
    seconds: float,
) -> Report:
    record = provenance(seed=experiment.seeds - 1, config={}, corpus={})
    return Report(
        title=f"Cross-domain search on {Path(experiment.uri).name}",
        rows=rows,
        folds=folds,
        cost={
            "images": f"{len(manifest):,}",
            "parameters trained": f"{trained[0].trained_parameters:,}",
            "training runs": str(len(trained)),
            "seconds a training run": f"{np.mean([t.seconds for t in trained]):.0f}",
            "seconds in all": f"{seconds:.0f}",
        },
        provenance={
            "corpus": experiment.uri,
            "manifest hash": manifest.hash,
            "backbone": experiment.backbone or "trained from scratch on the training domains",
            "seeds": ", ".join(str(seed) for seed in range(experiment.seeds)),
            "made": str(record["made"]),
        }
        | {f"version of {name}": version for name, version in record["versions"].items()},
    )
