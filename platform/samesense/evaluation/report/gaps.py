"""What is left between the domains before and after alignment, as an HTML table."""

from collections.abc import Mapping
from html import escape

from samesense.core.errors import CorpusError
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.report.report import Fold

MEANINGS: Mapping[str, str] = {
    "domain mean distance": "between the mean vectors of two domains; 0: the same",
    "domain probe": "share of vectors whose domain a linear classifier tells; less is better",
    "neighbour mixing": "other domains among the 10 nearest; 0: apart, 1: as chance mixes them",
    "domain CKA": "whether concepts lie alike in two domains; 1: alike",
    "hubness": "skewness of how often an image is among the nearest of others; 0: none is favoured",
}


def gap_table(fold: Fold) -> str:
    """Return a line for each number, or words where too few images are unseen to tell."""
    try:
        before, after = (domain_gap(embedded).values for embedded in (fold.before, fold.after))
    except CorpusError as error:
        return f'<p class="note">Not measured: {escape(str(error))}.</p>'
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td class="first">{before[name]:.3f}</td>'
        f'<td>{after[name]:.3f}</td><td class="soft words">{meaning}</td></tr>'
        for name, meaning in MEANINGS.items()
        if name in before
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="domain gap"><table>'
        "<caption>On all images that no stage has seen</caption>"
        '<thead><tr><th></th><th scope="col" class="first">unaligned</th>'
        '<th scope="col">aligned</th><th scope="col" class="words">what it is</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
