"""The numbers of the page as HTML tables."""

from collections.abc import Mapping, Sequence
from html import escape

from samesense.evaluation.results import (
    BASELINE,
    MEAN,
    Row,
    Summary,
    aligned_models,
    shown_metrics,
    summarise,
)

NONE = "–"
MANY = 8
"""Beyond so many columns a table is set closer."""


def score_tables(rows: Sequence[Row]) -> str:
    """Return one table for each aligned model: unaligned, aligned and gain, a line a domain.

    Where no metric stands for all, a line is a metric, its mean over the domains.
    """
    table = _score_table if shown_metrics(row.metric for row in rows) else _table_of_means
    return "\n".join(table(rows, model) for model in aligned_models(rows))


def html_table(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    caption: str,
    words: Sequence[int] = (),
    long: Sequence[int] = (),
) -> str:
    """Return cells as a table whose first column names the line.

    Columns of ``words`` hold text, those of ``long`` sentences, the others numbers.
    """
    head = "".join(
        f'<th scope="col"{_kind(place, words, long)}>{escape(cell)}</th>'
        for place, cell in enumerate(heads)
    )
    body = "".join(
        f'<tr><th scope="row"{_kind(0, words, long)}>{escape(line[0])}</th>'
        + "".join(
            f"<td{_kind(place, words, long)}>{escape(cell)}</td>"
            for place, cell in enumerate(line[1:], start=1)
        )
        + "</tr>"
        for line in lines
    )
    wide = ' class="wide"' if len(heads) > MANY else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{wide}>"
        f"<caption><span>{escape(caption)}</span></caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _kind(place: int, words: Sequence[int], long: Sequence[int]) -> str:
    if place in long:
        return ' class="long"'
    return ' class="words"' if place in words else ""


def pairs(of: Mapping[str, str], *, caption: str) -> str:
    """Return names and values as a table."""
    rows = "".join(
        f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in of.items()
    )
    return (
        '<div class="scroll"><table class="plain">'
        f"<caption><span>{escape(caption)}</span></caption><tbody>{rows}</tbody></table></div>"
    )


def _table_of_means(rows: Sequence[Row], model: str) -> str:
    table = summarise(rows)
    pairs_of = {
        metric: (table.get((MEAN, BASELINE, metric)), table.get((MEAN, model, metric)))
        for metric in dict.fromkeys(row.metric for row in rows)
    }
    lines = [
        [metric, _number(before), _number(after), _difference(before, after)]
        for metric, (before, after) in pairs_of.items()
    ]
    return html_table(["", "unaligned", "aligned", "change"], lines, caption=_caption(model))


def _caption(model: str) -> str:
    return (
        f"Unaligned backbone against {model}; mean ± standard deviation over seeds where there are "
        "several"
    )


def _score_table(rows: Sequence[Row], model: str) -> str:
    table, shown = summarise(rows), shown_metrics(row.metric for row in rows)
    domains = [*dict.fromkeys(row.held_out for row in rows), MEAN]
    groups = "".join(
        f'<th scope="colgroup" colspan="{3 + _has_ceiling(table, metric)}">{metric}</th>'
        for metric in shown
    )
    columns = "".join(
        f'<th scope="col" class="first">{name}</th>' if name == "unaligned" else f"<th>{name}</th>"
        for metric in shown
        for name in ("unaligned", "aligned", "gain", "ceiling")[: 3 + _has_ceiling(table, metric)]
    )
    lines = "".join(_line(table, rows, domain, model, shown) for domain in domains)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="scores"><table>'
        f"<caption><span>{escape(_caption(model))}</span></caption>"
        f"<thead><tr><th></th>{groups}<th></th></tr>"
        f'<tr><th scope="col">held out</th>{columns}<th scope="col">queries / gallery</th></tr>'
        f"</thead><tbody>{lines}</tbody></table></div>"
    )


def _line(
    table: Mapping[tuple[str, str, str], Summary],
    rows: Sequence[Row],
    domain: str,
    model: str,
    shown: Sequence[str],
) -> str:
    cells = ""
    for metric in shown:
        before, after = table.get((domain, BASELINE, metric)), table.get((domain, model, metric))
        cells += (
            f'<td class="first">{_number(before)}</td><td>{_number(after)}</td>'
            f'<td class="gain">{_difference(before, after)}</td>'
        )
        if _has_ceiling(table, metric):
            ceiling = table.get((domain, BASELINE, _ceiling_of(metric)))
            cells += f'<td class="soft">{_number(ceiling)}</td>'
    kind = ' class="mean"' if domain == MEAN else ""
    sizes = f'<td class="soft">{_sizes(rows, domain)}</td>'
    return f'<tr{kind}><th scope="row">{escape(domain)}</th>{cells}{sizes}</tr>'


def _has_ceiling(table: Mapping[tuple[str, str, str], Summary], metric: str) -> bool:
    return (MEAN, BASELINE, _ceiling_of(metric)) in table


def _ceiling_of(metric: str) -> str:
    return f"{metric} ceiling"


def _sizes(rows: Sequence[Row], domain: str) -> str:
    sizes = {(row.n_queries, row.n_gallery) for row in rows if row.held_out == domain}
    return "; ".join(f"{queries:,} / {gallery:,}" for queries, gallery in sorted(sizes))


def _difference(before: Summary | None, after: Summary | None) -> str:
    return f"{after.mean - before.mean:+.3f}" if before and after else NONE


def _number(summary: Summary | None) -> str:
    if summary is None:
        return NONE
    spread = f" ± {summary.std:.3f}" if summary.seeds > 1 else ""
    return f"{summary.mean:.3f}{spread}"
