"""``samesense evaluate``: how well a model finds a domain that it has never seen."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samesense.corpus.manifest import Manifest
    from samesense.evaluation.options import EvaluateJob
    from samesense.experiments.evaluation import Evaluated


def evaluate(
    model: list[Path] = typer.Option(
        ...,
        help="Folder of a training run; may be given again. Runs that differ only in seed or "
        "held-out domain are one model; any other is compared with the first on the same queries.",
    ),
    corpus: str = typer.Option(
        ..., help="The corpus that it was trained on: a folder `domain/class/file` or a manifest."
    ),
    protocol: str = typer.Option(
        "udcdr",
        help="`udcdr`: queries of the held-out domain, gallery of unseen images of the training "
        "domains. `uccdr`: images of held-out classes, each searched in the other training "
        "domains. `ucdr`: both held out, domain and classes. `dg`: concepts told by prototypes and "
        "a linear probe. `matrix`: every domain searched from every other. `gap`: how far domains "
        "still lie apart.",
    ),
    variant: str = typer.Option(
        "clean",
        help="`clean`: no stage saw what is asked. `official`: as published, with its flaws.",
    ),
    gallery: str = typer.Option(
        "unseen",
        help="What `ucdr` searches: held-out classes (`unseen`), or seen ones too (`mixed`).",
    ),
    out: Path | None = typer.Option(
        None,
        help="Where to write the rows; those of another protocol that are there stay. "
        "Default: results.json in the run's folder.",
    ),
    report: Path | None = typer.Option(
        None,
        help="Also write a page for people, as one HTML file, and its numbers beside it as JSON "
        "and CSV.",
    ),
    images: bool = typer.Option(
        True, help="Whether the page shows images of the corpus; without, it may go anywhere."
    ),
    ablation: list[Path] = typer.Option(
        [], help="Folder that `samesense ablate` wrote, for the page; may be given again."
    ),
    cache: str = typer.Option("runs/cache", help="Folder of the vector cache."),
) -> None:
    """Measure trained models, beside their unaligned backbone, on images that no stage has seen.

    Example: `samesense evaluate --model runs/alignment --corpus photos/ --protocol udcdr`;
    with `--model runs/other` also how the two differ, with more seeds their mean and spread.
    """
    from samesense.cli.cluster import refuse_lost_paths
    from samesense.core.config import validated
    from samesense.evaluation.options import EvaluateJob

    values = {"corpus": corpus, "protocol": protocol, "variant": variant, "gallery": gallery}
    job = validated(EvaluateJob, values | {"models": tuple(map(str, model)), "cache": cache})
    results = out or model[0] / "results.json"
    if report is not None or ablation:
        _check_page(job, report, results=results, ablation=ablation)
    refuse_lost_paths(out=str(results), report=str(report or ""), cache=job.cache)
    _evaluate(job, results, page=report, images=images, ablation=ablation)


def _check_page(
    job: "EvaluateJob", report: Path | None, *, results: Path, ablation: "Sequence[Path]"
) -> None:
    from samesense.core.errors import ConfigError

    if ablation and report is None:
        raise ConfigError("--ablation: is shown on the page; say where with --report")
    if report is not None and report.with_suffix(".json") == results:
        raise ConfigError(f"--report: its numbers would be written over {results}; name it anew")


def _evaluate(
    job: "EvaluateJob",
    results: Path,
    *,
    page: Path | None,
    images: bool,
    ablation: "Sequence[Path]",
) -> None:
    import time

    from samesense.artefact.folder import load_artefact
    from samesense.cli.cluster import cluster
    from samesense.cli.tables import report_scan
    from samesense.corpus.scan import scan
    from samesense.evaluation.ablation import read_ablation
    from samesense.evaluation.report.page import write_page
    from samesense.evaluation.results import read_results, write_results
    from samesense.experiments.evaluation import run_evaluation, splits_of
    from samesense.experiments.evaluation_report import evaluation_report
    from samesense.experiments.studies import studies_of

    ablations = [read_ablation(folder) for folder in ablation]
    artefacts = [load_artefact(one) for one in job.models]
    studies = studies_of(artefacts)
    found = scan(job.corpus, limits=job.limits)
    report_scan(found, rejections=artefacts[0].folder.parent / "evaluate.rejections.parquet")
    splits = splits_of(studies, found.manifest, job=job)
    earlier = read_results(results) if results.is_file() else []
    started = time.monotonic()
    with cluster():
        evaluated = run_evaluation(job, studies=studies, splits=splits)
    seconds = time.monotonic() - started
    done = {row.protocol for row in evaluated.rows}
    kept = [row for row in earlier if row.protocol not in done]
    write_results(results, [*kept, *evaluated.rows])
    _tell(job, evaluated)
    if page is not None:
        report = evaluation_report(
            job, evaluated, manifest=found.manifest, seconds=seconds, ablations=ablations
        )
        write_page(page, report=report, images=images)
        print(f"page     {page}")
    print(f"results  {results}")
    _tell_in_cards(job, evaluated, found.manifest)


def _tell(job: "EvaluateJob", evaluated: "Evaluated") -> None:
    """Print the numbers, and what chance has to say of them."""
    from samesense.evaluation.chance_table import chance_table
    from samesense.evaluation.findings import findings
    from samesense.evaluation.matrix_table import matrix_table
    from samesense.evaluation.results import results_table

    rows = evaluated.rows
    print(matrix_table(rows) if job.protocol == "matrix" else results_table(rows))
    compared = findings(evaluated.measured)
    if any(one.gain is not None for one in compared):
        print(f"\n{chance_table(compared)}\n")


def _tell_in_cards(job: "EvaluateJob", evaluated: "Evaluated", manifest: "Manifest") -> None:
    """Write what was found into the models' cards, if they can be written."""
    from samesense.core.errors import WriteError
    from samesense.experiments.cards import write_cards

    try:
        for card in write_cards(job, evaluated, manifest=manifest):
            print(f"card     {card}")
    except WriteError as error:
        print(f"card     left as it is: {error}")
