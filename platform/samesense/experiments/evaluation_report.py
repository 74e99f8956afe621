"""The page of an evaluation."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from samesense.artefact.folder import Artefact
from samesense.artefact.provenance import provenance, versions
from samesense.corpus.manifest import Manifest
from samesense.evaluation.ablation import Ablation
from samesense.evaluation.findings import findings
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.report.method import method_of
from samesense.evaluation.report.report import Report
from samesense.evaluation.results import BASELINE, DIFFERENCE
from samesense.experiments.evaluation import Evaluated
from samesense.experiments.studies import Study
from samesense.recipe.parameters import count_trained
from samesense.training.runs import read_run


def evaluation_report(
    job: EvaluateJob,
    evaluated: Evaluated,
    *,
    manifest: Manifest,
    seconds: float,
    ablations: Sequence[Ablation] = (),
) -> Report:
    """Return what the page of these models shows."""
    shown = {BASELINE, *(study.name for study in evaluated.studies)}
    cost = {"seconds of this evaluation": f"{seconds:.0f}"}
    origin = {"corpus": job.corpus, "manifest hash": manifest.hash}
    for study in evaluated.studies:
        cost |= _cost(study)
        origin |= _origin(study)
    return Report(
        title=f"{method_of(job.measure).title} {Path(job.corpus).name}",
        rows=[r for r in evaluated.rows if r.model in shown and DIFFERENCE not in r.metric],
        folds=evaluated.folds,
        cost=cost,
        provenance=origin | {"made": provenance(seed=0, config={}, corpus={})["made"]} | versions(),
        findings=findings(evaluated.measured),
        ablations=ablations,
    )


def _cost(study: Study) -> Mapping[str, str]:
    """Return what training cost, as far as the runs wrote it down."""
    runs = [read_run(artefact.folder.parent) for artefact in study.artefacts.values()]
    first = next(iter(study.artefacts.values()))
    seconds = [sum(stage.seconds for stage in run.stages) for run in runs]
    rates = [rate for run in runs if (rate := run.summary().get("images_per_s"))]
    cost = {
        f"{study.name}: runs": str(len(runs)),
        f"{study.name}: parameters trained": f"{count_trained(first.recipe):,}",
        f"{study.name}: seconds of training, median run": f"{statistics.median(seconds):.0f}",
    }
    if rates:
        cost[f"{study.name}: images/s in training, median"] = f"{statistics.median(rates):,.0f}"
    return cost


def _origin(study: Study) -> Mapping[str, str]:
    return {
        f"{study.name}, without {' and '.join(held_out)}, seed {seed}": _told(artefact)
        for (held_out, seed), artefact in study.artefacts.items()
    }


def _told(artefact: Artefact) -> str:
    return f"{artefact.folder}, fingerprint {artefact.record.fingerprint[:12]}"
