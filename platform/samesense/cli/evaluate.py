"""``samesense evaluate``: how well a model finds a domain that it has never seen."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from samesense.evaluation.options import EvaluateJob


def evaluate(
    model: list[Path] = typer.Option(
        ...,
        help="Folder of a training run; given again, each is compared with the first on the same "
        "queries.",
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
        None, help="Also write a page for people, as one HTML file; of protocol `udcdr`."
    ),
    cache: str = typer.Option("runs/cache", help="Folder of the vector cache."),
) -> None:
    """Measure trained models, beside their unaligned backbone, on images that no stage has seen.

    Example: `samesense evaluate --model runs/alignment --corpus photos/ --protocol udcdr`;
    with a second `--model runs/other` also how the two differ.
    """
    from samesense.cli.cluster import refuse_lost_paths
    from samesense.core.config import validated
    from samesense.core.errors import ConfigError
    from samesense.evaluation.options import EvaluateJob

    values = {"corpus": corpus, "protocol": protocol, "variant": variant, "gallery": gallery}
    job = validated(EvaluateJob, values | {"models": tuple(map(str, model)), "cache": cache})
    if report is not None and job.measure != "udcdr-clean":
        raise ConfigError(f"--report: the page is of udcdr-clean, not of {job.measure}")
    results = out or model[0] / "results.json"
    refuse_lost_paths(out=str(results), report=str(report or ""), cache=job.cache)
    _evaluate(job, results, page=report)


def _evaluate(job: "EvaluateJob", results: Path, *, page: Path | None) -> None:
    import time

    from samesense.artefact.folder import load_artefact
    from samesense.cli.cluster import cluster
    from samesense.cli.tables import report_scan
    from samesense.corpus.scan import scan
    from samesense.evaluation.chance_table import chance_table
    from samesense.evaluation.matrix_table import matrix_table
    from samesense.evaluation.report.page import write_page
    from samesense.evaluation.results import read_results, results_table, write_results
    from samesense.experiments.evaluation import run_evaluation, split_of_all
    from samesense.experiments.evaluation_report import evaluation_report

    artefacts = [load_artefact(one) for one in job.models]
    found = scan(job.corpus, limits=job.limits)
    report_scan(found, rejections=artefacts[0].folder.parent / "evaluate.rejections.parquet")
    split = split_of_all(artefacts, found.manifest, job=job)
    earlier = read_results(results) if results.is_file() else []
    started = time.monotonic()
    with cluster():
        evaluated = run_evaluation(job, split=split)
    rows = evaluated.rows
    done = {row.protocol for row in rows}
    write_results(results, [*(row for row in earlier if row.protocol not in done), *rows])
    print(matrix_table(rows) if job.protocol == "matrix" else results_table(rows))
    if any(row.p_value is not None for row in rows):
        print(f"\n{chance_table(rows)}\n")
    if page is not None:
        seconds = time.monotonic() - started
        write_page(page, report=evaluation_report(job, evaluated, split=split, seconds=seconds))
        print(f"page     {page}")
    print(f"results  {results}")
