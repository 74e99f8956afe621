"""What the numbers say, in words: whichever way they point."""

from collections.abc import Sequence

from samesense.evaluation.report.method import method_of
from samesense.evaluation.results import (
    BASELINE,
    MEAN,
    Row,
    Summary,
    aligned_models,
    gain,
    shown_metrics,
    summarise,
)

BETWEEN_DOMAINS = "Before and after alignment, on images that no training stage has seen."
Table = dict[tuple[str, str, str], Summary]


def headline(rows: Sequence[Row]) -> str:
    """Return plain text, one passage for each aligned model."""
    table = summarise(rows)
    metrics = shown_metrics(row.metric for row in rows)
    if not metrics:
        return BETWEEN_DOMAINS
    metric = metrics[0]
    if (MEAN, BASELINE, metric) not in table:
        return f"There is no {metric} of the unaligned backbone to compare with."
    models = [m for m in aligned_models(rows) if (MEAN, m, metric) in table]
    if not models:
        return "Only the unaligned backbone was measured; there is nothing to compare it with."
    return " ".join(_passage(rows, table, model, metric) for model in models)


def _passage(rows: Sequence[Row], table: Table, model: str, metric: str) -> str:
    before, after = table[MEAN, BASELINE, metric], table[MEAN, model, metric]
    found = gain(rows, model=model, metric=metric)
    verb = "raises" if found.mean > 0 else "lowers" if found.mean < 0 else "does not change"
    sentences = [
        f"Alignment ({model}) {verb} {metric} on {method_of(rows[0].protocol).unseen}: "
        f"{before.mean:.3f} before, {after.mean:.3f} after ({found.mean:+.3f}).",
        _over_parts(rows, table, model, metric),
        _over_seeds(found.mean, spread=max(found.std, after.std), seeds=after.seeds),
    ]
    return " ".join(sentences)


def _over_parts(rows: Sequence[Row], table: Table, model: str, metric: str) -> str:
    parts = [p for p in dict.fromkeys(r.held_out for r in rows) if (p, model, metric) in table]
    not_better = [
        p for p in parts if table[p, model, metric].mean <= table[p, BASELINE, metric].mean
    ]
    helped, what = len(parts) - len(not_better), method_of(rows[0].protocol).parts
    words = f"It helps in {helped} of {len(parts)} {what}"
    return f"{words}; not in {', '.join(not_better)}." if not_better else f"{words}."


def _over_seeds(difference: float, *, spread: float, seeds: int) -> str:
    if seeds < 2:
        return "One seed was run, so the spread over seeds is not known."
    if abs(difference) > spread:
        return f"Over {seeds} seeds that is beyond the spread (± {spread:.3f})."
    return f"Over {seeds} seeds that is within the spread (± {spread:.3f}): no clear difference."
