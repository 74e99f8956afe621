"""Variants of a recipe side by side, from rows of results to one table."""

from collections.abc import Mapping, Sequence

from samesense.evaluation.ablation import Ablation
from samesense.evaluation.markdown import markdown_table
from samesense.evaluation.results import BASELINE, MEAN, Gain, Row, gain, summarise, told

LEADING = "mAP@200"
NUMBERS = (LEADING, "Prec@200", "domain probe")


def ablation_table(ablation: Ablation) -> str:
    """Return the cells as one Markdown table."""
    return markdown_table(ablation_cells(ablation))


def ablation_cells(ablation: Ablation) -> list[list[str]]:
    """Return the heads and a line for each variant: means over held-out domains, ± std over seeds.

    Differences are paired by seed, and marked where they are beyond their spread
    (``results.gain``).
    """
    heads = ["variant", "trained"]
    heads += [f"{name}{which}" for name in NUMBERS for which in (" unaligned", "")]
    heads += [f"{LEADING} over unaligned", f"{LEADING} over {ablation.reference}"]
    lines = [
        [
            name,
            f"{ablation.parameters[name]:,}",
            *_numbers(rows, name),
            *_gains(ablation.rows, name, ablation.reference),
        ]
        for name, rows in ablation.rows.items()
    ]
    return [heads, *lines]


def _numbers(rows: Sequence[Row], variant: str) -> list[str]:
    table = summarise(rows)
    return [told(table[MEAN, model, name]) for name in NUMBERS for model in (BASELINE, variant)]


def _gains(rows_of: Mapping[str, Sequence[Row]], variant: str, reference: str) -> list[str]:
    over_baseline = _marked(gain(rows_of[variant], model=variant, metric=LEADING))
    if variant == reference or reference not in rows_of:
        return [over_baseline, ""]
    both = [*rows_of[variant], *rows_of[reference]]
    return [over_baseline, _marked(gain(both, model=variant, metric=LEADING, over=reference))]


def _marked(difference: Gain) -> str:
    spread = f" ± {difference.std:.3f}" if difference.seeds > 1 else ""
    return f"{difference.mean:+.3f}{spread}{' *' if difference.beyond_spread else ''}"
