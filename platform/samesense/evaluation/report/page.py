"""The report as one self-contained HTML page: no script, no request to any host."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path

from samesense.core.storage import write_text_atomically
from samesense.corpus.thumbnails import thumbnail_uri
from samesense.evaluation.report.ablations import ablation_tables
from samesense.evaluation.report.certainty import certainty_table
from samesense.evaluation.report.data import as_csv, as_json
from samesense.evaluation.report.facts import Facts, facts_of
from samesense.evaluation.report.failure_cases import failure_cases
from samesense.evaluation.report.gaps import gap_table
from samesense.evaluation.report.headline import headline
from samesense.evaluation.report.heatmap import asymmetry_map, heat_map
from samesense.evaluation.report.maps import embedding_map
from samesense.evaluation.report.method import method_of
from samesense.evaluation.report.rankings import rankings
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.report.short import in_short
from samesense.evaluation.report.tables import pairs, score_tables

PICTURES = """One run is shown here. An answer is right when it has the query's concept: ✓ and a
solid frame; otherwise ✗ and a dashed one. The number under an answer is its cosine similarity."""
WITHHELD = """The images themselves are left out of this page."""
BLANK = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
MAPS = """Each map has its own principal components: compare how the groups lie, not the axes."""


def write_page(path: Path, *, report: Report, images: bool = True) -> None:
    """Write the report as one HTML page, and its numbers beside it as JSON and CSV.

    Without ``images`` a frame with its words stands for each picture, so that the page can go where
    the corpus may not.
    """
    folds = [facts_of(fold) for fold in report.folds]
    words = in_short(report.findings, folds)
    write_text_atomically(path, _render(report, folds, words, images=images))
    summary = [headline(report.rows), *words]
    write_text_atomically(path.with_suffix(".json"), as_json(report, folds, summary=summary))
    write_text_atomically(path.with_suffix(".csv"), as_csv(report.rows))


@dataclass(frozen=True)
class _Section:
    """What stands under one heading."""

    name: str
    title: str
    html: str


def _render(report: Report, folds: Sequence[Facts], words: Sequence[str], *, images: bool) -> str:
    css = resources.files("samesense.evaluation.report").joinpath("page.css").read_text("utf-8")
    sections = [section for section in _sections(report, folds, images=images) if section.html]
    shown = "\n".join(
        f'<h2 id="{section.name}">{escape(section.title)}</h2>\n{section.html}'
        for section in sections
    )
    title = escape(report.title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
{css}</style></head><body><main>
<h1>{title}</h1>
<p class="lead">{escape(headline(report.rows))}</p>
{_list(words)}
{_contents(sections)}
{shown}
</main></body></html>
"""


def _sections(report: Report, folds: Sequence[Facts], *, images: bool) -> Iterator[_Section]:
    scores = (
        f'{score_tables(report.rows)}<p class="note">{method_of(report.rows[0].protocol).words}</p>'
    )
    yield _Section("scores", "Scores", scores)
    yield _Section("certainty", "How sure it is", certainty_table(report.findings))
    yield _Section("ablations", "Ablations", ablation_tables(report.ablations))
    picture = functools.cache(thumbnail_uri if images else _withheld)
    words = PICTURES if images else f"{PICTURES} {WITHHELD}"
    for place, (fold, facts) in enumerate(zip(report.folds, folds, strict=True)):
        title = f"Held out: {facts.held_out}"
        yield _Section(f"fold-{place}", title, _fold(fold, facts, picture, words=words))
    origin = pairs(report.provenance, caption="Where it comes from")
    yield _Section("cost", "Cost and origin", pairs(report.cost, caption="What it cost") + origin)


def _list(words: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in words)
    return f'<ul class="short">{items}</ul>' if items else ""


def _contents(sections: Sequence[_Section]) -> str:
    links = "".join(
        f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in sections
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def _withheld(uri: str) -> str:
    return BLANK


def _fold(fold: Fold, facts: Facts, picture: Callable[[str], str], *, words: str) -> str:
    widest = max(float(state.matrix.asymmetry_KK.max(initial=0.0)) for state in facts.states)
    matrices = "".join(heat_map(state.matrix, state=state.name) for state in facts.states)
    asymmetries = "".join(
        asymmetry_map(state.matrix, state=state.name, widest=widest) for state in facts.states
    )
    maps = "".join(
        embedding_map(state.embedded, colour_by=colour_by, state=state.name)
        for colour_by in ("domain", "label")
        for state in facts.states
    )
    return f"""<p class="note">{words}</p>
<h3>First answers before and after</h3>
{rankings(fold, picture=picture)}
<h3>Where it fails</h3>
{failure_cases(facts, picture=picture)}
<h3>Every domain searched from every other</h3>
<div class="plots">{matrices}{asymmetries}</div>
<h3>What is left between the domains</h3>
{gap_table(facts)}
<h3>Where the vectors lie</h3>
<p class="note">{MAPS}</p>
<div class="plots">{maps}</div>"""
