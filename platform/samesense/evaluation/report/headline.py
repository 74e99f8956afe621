"""What the numbers say, in words: whichever way they point."""

from collections.abc import Sequence

from samesense.evaluation.results import (
    BASELINE,
    MEAN,
    Row,
    Summary,
    aligned_models,
    gain,
    summarise,
)

METRIC = "mAP@200"
Table = dict[tuple[str, str, str], Summary]


def headline(rows: Sequence[Row]) -> str:
    """Return plain text, one passage for each aligned model."""
    table = summarise(rows)
    if (MEAN, BASELINE, METRIC) not in table:
        return f"There is no {METRIC} of the unaligned backbone to compare with."
    models = [m for m in aligned_models(rows) if (MEAN, m, METRIC) in table]
    if not models:
        return "Only the unaligned backbone was measured; there is nothing to compare it with."
    return " ".join(_passage(rows, table, model) for model in models)


def _passage(rows: Sequence[Row], table: Table, model: str) -> str:
    before, after = table[MEAN, BASELINE, METRIC], table[MEAN, model, METRIC]
    found = gain(rows, model=model, metric=METRIC)
    verb = "raises" if found.mean > 0 else "lowers" if found.mean < 0 else "does not change"
    sentences = [
        f"Alignment ({model}) {verb} {METRIC} on domains that training never saw: "
        f"{before.mean:.3f} before, {after.mean:.3f} after ({found.mean:+.3f}).",
        _over_domains(rows, table, model),
        _over_seeds(found.mean, spread=max(found.std, after.std), seeds=after.seeds),
    ]
    return " ".join(sentences)


def _over_domains(rows: Sequence[Row], table: Table, model: str) -> str:
    domains = [d for d in dict.fromkeys(r.held_out for r in rows) if (d, model, METRIC) in table]
    not_better = [
        d for d in domains if table[d, model, METRIC].mean <= table[d, BASELINE, METRIC].mean
    ]
    helped = len(domains) - len(not_better)
    words = f"It helps in {helped} of {len(domains)} held-out domains"
    return f"{words}; not in {', '.join(not_better)}." if not_better else f"{words}."


def _over_seeds(difference: float, *, spread: float, seeds: int) -> str:
    if seeds < 2:
        return "One seed was run, so the spread over seeds is not known."
    if abs(difference) > spread:
        return f"Over {seeds} seeds that is beyond the spread (± {spread:.3f})."
    return f"Over {seeds} seeds that is within the spread (± {spread:.3f}): no clear difference."
