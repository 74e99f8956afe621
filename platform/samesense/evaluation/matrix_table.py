"""The source → target matrix, from rows of results to a plain-text table. Shapes: K domains."""

from collections.abc import Mapping, Sequence

from samesense.evaluation.results import BASELINE, MEAN, Row, aligned_models, summarise

PAIR = "mAP@all {source}→{target}"
"""The metric's name of one cell."""
ASYMMETRY = "largest asymmetry"
COLUMN, GAP = 8, 2


def matrix_table(rows: Sequence[Row]) -> str:
    """Return a K × K table for the unaligned backbone and for each aligned model: of several runs
    the mean."""
    parts = []
    means = summarise(rows)
    for model in (BASELINE, *aligned_models(rows)):
        metrics = dict.fromkeys(row.metric for row in rows if row.model == model)
        values = {metric: means[MEAN, model, metric].mean for metric in metrics}
        parts.append(_table(values, title="unaligned" if model == BASELINE else model))
    note = "mAP@all; rows are the query's domain, columns the gallery's"
    return "\n\n".join([note, *parts])


def _table(values: Mapping[str, float], *, title: str) -> str:
    domains = [name for metric in values if (name := _domain_of_diagonal(metric))]
    first = max(map(len, (title, ASYMMETRY, *domains)))
    widths = [max(COLUMN, len(domain) + GAP) for domain in domains]
    columns = list(zip(domains, widths, strict=True))
    lines = [f"{title:<{first}}" + "".join(f"{target:>{width}}" for target, width in columns)]
    for source in domains:
        cells = (f"{values[PAIR.format(source=source, target=t)]:>{w}.3f}" for t, w in columns)
        lines.append(f"{source:<{first}}" + "".join(cells))
    lines.append(f"{ASYMMETRY:<{first}}{values[ASYMMETRY]:>{widths[0]}.3f}")
    return "\n".join(lines)


def _domain_of_diagonal(metric: str) -> str | None:
    """Return the domain that a metric searches in itself, if it is such a one."""
    pair = metric.removeprefix(PAIR.partition("{")[0])
    name = pair[: len(pair) // 2]
    return name if metric == PAIR.format(source=name, target=name) else None
