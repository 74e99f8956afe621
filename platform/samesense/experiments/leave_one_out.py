"""The leave-one-domain-out experiment: every held-out domain, every seed, before and after."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samesense.artefact.provenance import provenance, versions
from samesense.bulk.embed import embed_corpus
from samesense.bulk.options import EmbedJob
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import Scan
from samesense.corpus.sources.options import CorpusOptions
from samesense.evaluation.findings import findings
from samesense.evaluation.measured import Measured
from samesense.evaluation.rated import rate
from samesense.evaluation.report.method import method_of
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.results import Row
from samesense.experiments.backbones import recipes_on_backbones
from samesense.experiments.evaluation import compare
from samesense.experiments.experiment import Experiment, train_without
from samesense.training.driver import Trained


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    rows: list[Row]
    report: Report
    model: Path
    """The run of the first fold, with whose model the corpus was indexed."""
    index: str
    milvus: str
    searched_domain: str
    """The domain that this model has never seen."""


def run_experiment(experiment: Experiment, found: Scan) -> Outcome:
    """Train and evaluate every fold, then index the corpus with the first fold's model.

    Ray must be running.
    """
    started = time.monotonic()
    manifest = found.manifest
    measured: list[Measured] = []
    folds: list[Fold] = []
    runs: list[Trained] = []
    for seed in range(experiment.seeds):
        for held_out, recipe in recipes_on_backbones(experiment, manifest, seed=seed):
            print(f"\nseed {seed}, held out: {held_out}", flush=True)
            trained, split = train_without(
                (held_out,), experiment=experiment, recipe=recipe, manifest=manifest, seed=seed
            )
            fold = compare(
                trained.artefact, split, cache_root=experiment.cache, limits=DecodeLimits()
            )
            measured += rate(fold, seed=seed, model=recipe.name).measured()
            runs.append(trained)
            if seed == 0:
                folds.append(fold)
    embedding = _embedding(experiment, model=runs[0].artefact.folder.parent)
    embed_corpus(embedding)
    return Outcome(
        rows=[one.row for one in measured],
        report=_report(experiment, manifest, measured, folds, runs, time.monotonic() - started),
        model=Path(embedding.model),
        index=embedding.index,
        milvus=_milvus(experiment),
        searched_domain=experiment.held_out[0],
    )


def _embedding(experiment: Experiment, *, model: Path) -> EmbedJob:
    return EmbedJob(
        model=str(model),
        corpus=CorpusOptions(uri=experiment.uri),
        index=experiment.out.resolve().name or "demo",
        milvus=_milvus(experiment),
        cache=experiment.cache,
        out=str(experiment.out / "embed"),
    )


def _milvus(experiment: Experiment) -> str:
    return str(experiment.out / "milvus.db")


def _report(
    experiment: Experiment,
    manifest: Manifest,
    measured: Sequence[Measured],
    folds: Sequence[Fold],
    runs: Sequence[Trained],
    seconds: float,
) -> Report:
    record = provenance(seed=0, config={}, corpus={})
    return Report(
        title=f"{method_of(measured[0].row.protocol).title} {Path(experiment.uri).name}",
        rows=[one.row for one in measured],
        folds=folds,
        cost={
            "images": f"{len(manifest):,}",
            "parameters of the alignment": f"{runs[0].trained_parameters:,}",
            "alignment runs": str(len(runs)),
            "seconds an alignment run, median": f"{np.median([run.seconds for run in runs]):.0f}",
            "seconds in all": f"{seconds:.0f}",
        },
        provenance={
            "corpus": experiment.uri,
            "manifest hash": manifest.hash,
            "backbone": experiment.backbone or "trained from scratch on the training domains",
            "seeds": ", ".join(str(seed) for seed in range(experiment.seeds)),
            "made": str(record["made"]),
        }
        | versions(),
        findings=findings(measured),
    )
