"""``samesense demo``: the main job end to end, on a corpus of its own or on yours."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from samesense.corpus.manifest import Manifest
    from samesense.experiments.leave_one_out import Outcome

DRAWN_IMAGES = 80
DRAWN_SIDE_PX = 48


def demo(
    corpus: Path | None = typer.Option(
        None, help="Folder `domain/class/file` or a manifest. Default: a corpus that is drawn now."
    ),
    backbone: str | None = typer.Option(
        None,
        help="Folder or hub id of an image-text model, used frozen. Default: a small one that is "
        "trained from scratch on the training domains.",
    ),
    out: Path = typer.Option(Path("runs/demo"), help="Folder for everything that is made."),
    held_out: list[str] = typer.Option(
        [], help="Hold out only this domain; may be given again. Default: each in turn."
    ),
    seeds: int | None = typer.Option(
        None, min=1, help="How many seeds. Default: 1 for the drawn corpus, 3 for yours."
    ),
) -> None:
    """Hold out each domain in turn, train on the others, and measure what alignment gains.

    For every held-out domain and seed: split, train, embed, and search the held-out domain's
    images among images of the training domains that no stage has seen. Then index the corpus, so
    that it can be searched.
    """
    from samesense.cli.tables import report_scan
    from samesense.core.config import COMMAND_LINE
    from samesense.corpus.scan import list_domains, scan
    from samesense.corpus.splits import check_folds

    uri = str(corpus) if corpus is not None else draw_corpus(out / "corpus")
    with COMMAND_LINE.locate():
        check_folds(held_out, domains=list_domains(uri))

    from samesense.cli.cluster import cluster
    from samesense.encoder.render.loading import load_config
    from samesense.evaluation.report.page import write_page
    from samesense.evaluation.results import results_table, write_results
    from samesense.experiments.experiment import Experiment, check_experiment
    from samesense.experiments.leave_one_out import run_experiment

    if backbone is not None:
        load_config(backbone, revision=None)
    found = scan(uri)
    report_scan(found, rejections=out / "rejections.parquet")
    experiment = Experiment(
        uri=uri,
        backbone=backbone,
        out=out,
        held_out=tuple(held_out or found.manifest.domains),
        seeds=seeds or (1 if corpus is None else 3),
    )
    check_experiment(experiment, manifest=found.manifest)
    with cluster():
        outcome = run_experiment(experiment, found)
    results, page = out / "results.json", out / "report.html"
    write_results(results, outcome.rows)
    write_page(page, report=outcome.report)
    print()
    print(results_table(outcome.rows))
    print(f"\nresults  {results}\nreport   {page}\nmodel    {outcome.model}")
    print(f"search   {search_command(outcome, found.manifest)}")


def search_command(outcome: "Outcome", manifest: "Manifest") -> str:
    """Return a command that searches the other domains for an image of the one never seen."""
    query = manifest.of(domains=(outcome.searched_domain,)).column("uri")[0]
    others = ",".join(d for d in manifest.domains if d != outcome.searched_domain)
    program = "samesense" if shutil.which("samesense") else sys.argv[0]
    words = [program, "search", "--index", outcome.index, "--milvus", outcome.milvus]
    return shlex.join([*words, "--image", query, "--domains", others, "--grid", "hits.png"])


def draw_corpus(folder: Path) -> str:
    """Draw the demo's own corpus once, whole or not at all, and return where it is."""
    from samesense.corpus.rendered.write import render_corpus

    if not folder.is_dir():
        drawing = folder.with_name(f".{folder.name}.drawing")
        shutil.rmtree(drawing, ignore_errors=True)
        render_corpus(
            drawing,
            images_per_concept_and_domain=DRAWN_IMAGES,
            side_px=DRAWN_SIDE_PX,
            seed=0,
        )
        drawing.rename(folder)
    return str(folder)
