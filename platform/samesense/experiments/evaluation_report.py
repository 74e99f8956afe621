"""The page of an evaluation."""

from pathlib import Path

from samesense.artefact.provenance import provenance, versions
from samesense.corpus.manifest import Manifest
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.report.report import Report
from samesense.evaluation.results import BASELINE, DIFFERENCE
from samesense.experiments.evaluation import Evaluated


def evaluation_report(
    job: EvaluateJob, evaluated: Evaluated, *, split: Manifest, seconds: float
) -> Report:
    """Return what the page of these models shows."""
    shown = {BASELINE, *evaluated.artefacts}
    models = {
        f"model {name}": f"{artefact.folder}, fingerprint {artefact.record.fingerprint[:12]}"
        for name, artefact in evaluated.artefacts.items()
    }
    return Report(
        title=f"Cross-domain search on {Path(job.corpus).name}",
        rows=[r for r in evaluated.rows if r.model in shown and DIFFERENCE not in r.metric],
        folds=evaluated.folds,
        cost={
            "images that no stage has seen": f"{len(evaluated.folds[0].after.z_ND):,}",
            "seconds": f"{seconds:.0f}",
        },
        provenance={"corpus": job.corpus, "manifest hash": split.hash}
        | models
        | {"made": provenance(seed=0, config={}, corpus={})["made"]}
        | versions(),
    )
