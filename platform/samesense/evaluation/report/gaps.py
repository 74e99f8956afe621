"""What is left between the domains before and after alignment, as an HTML table."""

from collections.abc import Mapping
from html import escape

from samesense.evaluation.report.facts import Facts
from samesense.evaluation.report.tables import html_table

MEANINGS: Mapping[str, str] = {
    "domain mean distance": "between the mean vectors of two domains; 0: the same",
    "domain probe": "share of vectors whose domain a linear classifier tells; less is better",
    "neighbour mixing": "other domains among the 10 nearest; 0: apart, 1: as chance mixes them",
    "domain CKA": "whether concepts lie alike in two domains; 1: alike",
    "hubness": "skewness of how often an image is among the nearest of others; 0: none is favoured",
}


def gap_table(facts: Facts) -> str:
    """Return a line for each number, or words where too few images are unseen to tell."""
    if facts.no_gap:
        return f'<p class="note">Not measured: {escape(facts.no_gap)}.</p>'
    before, after = facts.before.gap, facts.after.gap
    lines = [
        [
            name,
            f"{before[name]:.3f}",
            f"{after[name]:.3f}",
            f"{after[name] - before[name]:+.3f}",
            meaning + _chance(name, facts),
        ]
        for name, meaning in MEANINGS.items()
        if name in before
    ]
    return html_table(
        ["", "unaligned", "aligned", "change", "what it is"],
        lines,
        caption="On all images that are asked or searched",
        words=(0,),
        long=(4,),
    )


def _chance(name: str, facts: Facts) -> str:
    if name != "domain probe":
        return ""
    return f", and chance is {1 / len(facts.after.matrix.domains):.2f}"
