"""The report as one self-contained HTML page: no script, no request to any host."""

import base64
from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path

from samesense.core.storage import write_atomically
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.report.plots import embedding_map, heat_map
from samesense.evaluation.report.rankings import rankings
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.results import (
    BASELINE,
    MEAN,
    SHOWN,
    Summary,
    aligned_models,
    gain,
    summarise,
)


def write_page(path: Path, *, report: Report) -> None:
    """Write the report as one HTML file."""
    html = render_page(report)

    def write(temporary: Path) -> None:
        temporary.write_text(html, encoding="utf-8")

    write_atomically(path, write=write)


def render_page(report: Report) -> str:
    """Return the report as HTML."""
    css = resources.files("samesense.evaluation.report").joinpath("page.css").read_text("utf-8")
    folds = "\n".join(_fold(fold) for fold in report.folds)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(report.title)}</title><style>{css}</style></head><body>
<h1>{escape(report.title)}</h1>
<p class="lead">{_headline(report)}</p>
<p class="note">Each domain is held out in turn: no training stage and no selection sees an image
of it. Its images are the queries; the gallery is made of images of the other domains that no stage
has seen either. mAP@200 rewards right answers that come early, Prec@200 counts right answers among
the first 200; both depend on how many images of a concept the gallery holds.</p>
<div class="scroll">{_table(report)}</div>
{folds}
<h2>Cost</h2>{_pairs(report.cost)}
<h2>Where this comes from</h2>{_pairs(report.provenance)}
</body></html>
"""


def _headline(report: Report) -> str:
    table, model = summarise(report.rows), aligned_models(report.rows)[0]
    before, after = (table[MEAN, name, "mAP@200"] for name in (BASELINE, model))
    found = gain(report.rows, model=model, metric="mAP@200")
    direction = "raises" if found.mean > 0 else "lowers"
    sentence = (
        f"Alignment ({escape(model)}) {direction} mAP@200 on domains that training never saw "
        f"from {before.mean:.3f} to {after.mean:.3f} ({found.mean:+.3f})."
    )
    if after.seeds == 1:
        return sentence + " One seed was run, so the spread is not known."
    verdict = "beyond" if found.beyond_spread else "within"
    spread = max(found.std, after.std)
    return f"{sentence} Over {after.seeds} seeds the difference is {verdict} the spread (± {spread:.3f})."


def _table(report: Report) -> str:
    table = summarise(report.rows)
    domains = [*dict.fromkeys(row.held_out for row in report.rows), MEAN]
    header = "".join(
        f"<th>{metric} unaligned</th><th>{escape(model)}</th><th>gain</th>"
        for model in aligned_models(report.rows)
        for metric in SHOWN
    )
    lines = []
    for domain in domains:
        cells = ""
        for model in aligned_models(report.rows):
            for metric in SHOWN:
                before, after = table[domain, BASELINE, metric], table[domain, model, metric]
                difference = after.mean - before.mean
                cells += f"<td>{_number(before)}</td><td>{_number(after)}</td><td>{difference:+.3f}</td>"
        css = " class='mean'" if domain == MEAN else ""
        lines.append(f"<tr{css}><td>{escape(domain)}</td>{cells}</tr>")
    return f"<table><tr><th>held out</th>{header}</tr>{''.join(lines)}</table>"


def _fold(fold: Fold) -> str:
    name = escape(fold.held_out)
    before, after = source_target_matrix(fold.before), source_target_matrix(fold.after)
    plots = [
        (heat_map(before, title="mAP@all, unaligned"), "heat map of mAP between domains, unaligned"),
        (heat_map(after, title="mAP@all, aligned"), "heat map of mAP between domains, aligned"),
    ]
    for colour_by in ("domain", "label"):
        for embedded, state in ((fold.before, "unaligned"), (fold.after, "aligned")):
            title = f"{state}, by {colour_by}"
            svg = embedding_map(embedded, colour_by=colour_by, title=title)
            plots.append((svg, f"map of the vectors, {title}"))
    images = "".join(_image(svg, alt) for svg, alt in plots)
    return (
        f"<h2>Held out: {name}</h2>"
        f"<h3>Queries from {name}, the first ten answers before and after</h3>{rankings(fold)}"
        f"<h3>Every domain searched from every other, and the vectors' first two principal "
        f"components</h3><div class='plots'>{images}</div>"
    )


def _image(svg: str, alt: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return f"<img src='data:image/svg+xml;base64,{data}' alt='{escape(alt, quote=True)}'>"


def _number(summary: Summary) -> str:
    spread = f" ± {summary.std:.3f}" if summary.seeds > 1 else ""
    return f"{summary.mean:.3f}{spread}"


def _pairs(pairs: Mapping[str, str]) -> str:
    rows = (f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in pairs.items())
    return f"<table class='plain'>{''.join(rows)}</table>"
