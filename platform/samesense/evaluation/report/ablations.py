"""Ablations that were run before, as HTML tables."""

from collections.abc import Sequence
from html import escape

from samesense.evaluation.ablation import Ablation
from samesense.evaluation.ablation_table import ablation_cells
from samesense.evaluation.report.tables import html_table

CAPTION = (
    "Means over held-out domains ± standard deviation over seeds; differences are paired by seed, "
    "and * marks those beyond their spread"
)


def ablation_tables(ablations: Sequence[Ablation]) -> str:
    """Return a table for each; nothing without any."""
    parts = []
    for ablation in ablations:
        heads, *lines = ablation_cells(ablation)
        table = html_table(heads, lines, caption=CAPTION, words=(0,))
        parts.append(f"<h3>{escape(ablation.name)}</h3>{table}")
    return "".join(parts)
