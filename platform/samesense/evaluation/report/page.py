"""The report as one self-contained HTML page: no script, no request to any host."""

import functools
from collections.abc import Callable
from html import escape
from importlib import resources
from pathlib import Path

from samesense.core.storage import write_text_atomically
from samesense.corpus.thumbnails import thumbnail_uri
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.report.gaps import gap_table
from samesense.evaluation.report.headline import headline
from samesense.evaluation.report.heatmap import heat_map
from samesense.evaluation.report.maps import embedding_map
from samesense.evaluation.report.rankings import rankings
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.report.tables import pairs, score_tables

METHOD = """A domain is held out: no training stage and no selection has seen an image of it. Its
images are the queries; the gallery holds images of the other domains that no stage has seen
either. mAP@200 rewards right answers that come early; Prec@200 is the share of right answers among
the first 200, and its ceiling is what a perfect ranking would reach, since a concept may have fewer
than 200 images in the gallery."""
PICTURES = """Pictures, matrices and maps below show one run for each held-out domain. An answer is
right when it has the query's concept: ✓ and a solid frame; otherwise ✗ and a dashed one. The number
under an answer is its cosine similarity."""
MAPS = """Each map has its own principal components: compare how the groups lie, not the axes."""


def write_page(path: Path, *, report: Report) -> None:
    """Write the report as one HTML file, whole or not at all."""
    write_text_atomically(path, render_page(report))


def render_page(report: Report) -> str:
    """Return the report as HTML."""
    css = resources.files("samesense.evaluation.report").joinpath("page.css").read_text("utf-8")
    picture = functools.cache(thumbnail_uri)
    folds = "\n".join(_fold(fold, picture) for fold in report.folds)
    title = escape(report.title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
{css}</style></head><body><main>
<h1>{title}</h1>
<p class="lead">{escape(headline(report.rows))}</p>
{score_tables(report.rows)}
<p class="note">{METHOD}</p>
<p class="note">{PICTURES}</p>
{folds}
<h2>Cost and origin</h2>
{pairs(report.cost, caption="What it cost")}
{pairs(report.provenance, caption="Where it comes from")}
</main></body></html>
"""


def _fold(fold: Fold, picture: Callable[[str], str]) -> str:
    states = (("unaligned", fold.before), ("aligned", fold.after))
    matrices = "".join(
        heat_map(source_target_matrix(embedded), state=state) for state, embedded in states
    )
    maps = "".join(
        embedding_map(embedded.of(splits=("query", "gallery")), colour_by=colour_by, state=state)
        for colour_by in ("domain", "label")
        for state, embedded in states
    )
    return f"""<h2>Held out: {escape(fold.held_out)}</h2>
<h3>First answers before and after</h3>
{rankings(fold, picture=picture)}
<h3>Every domain searched from every other, mAP@all</h3>
<div class="plots">{matrices}</div>
<h3>What is left between the domains</h3>
{gap_table(fold)}
<h3>Where the vectors lie</h3>
<p class="note">{MAPS}</p>
<div class="plots">{maps}</div>"""
