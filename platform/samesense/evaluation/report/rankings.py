"""Rankings of a few held-out queries before and after alignment, as rows of pictures."""

from collections.abc import Callable

from samesense.corpus.manifest import Manifest
from samesense.evaluation.report.answers import Answers, Choice, answers_of_queries, choose
from samesense.evaluation.report.report import Fold
from samesense.evaluation.report.tiles import tile


def rankings(fold: Fold, *, picture: Callable[[str], str]) -> str:
    """Return HTML; ``picture`` turns the URI of an image into the source of an ``<img>``."""
    before, after = answers_of_queries(fold.before), answers_of_queries(fold.after)
    choices = choose(before, after=after)
    return "\n".join(_asked(fold, choice, before, after, picture) for choice in choices)


def _asked(
    fold: Fold, choice: Choice, before: Answers, after: Answers, picture: Callable[[str], str]
) -> str:
    query = fold.after.of(splits=("query",)).manifest
    gallery = fold.after.of(splits=("gallery",)).manifest
    asked = tile(query, choice.query, kind="query", note="query", picture=picture)
    counts = [int(answers.right_QK[choice.query].sum()) for answers in (before, after)]
    shown = after.right_QK.shape[1]
    rows = "".join(
        f'<p class="name">{state}: {count} of {shown} right</p>'
        f'<ol class="answers">{_row(gallery, answers, choice.query, picture)}</ol>'
        for state, count, answers in (
            ("unaligned", counts[0], before),
            ("aligned", counts[1], after),
        )
    )
    title = f"{choice.why}: {counts[0]} → {counts[1]} right of {shown}"
    return (
        f'<section class="asked"><h4>{title}</h4>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<div class="ranking">{asked}<div>{rows}</div></div></div></section>'
    )


def _row(gallery: Manifest, answers: Answers, query: int, picture: Callable[[str], str]) -> str:
    tiles = []
    for index, score, right in zip(
        answers.gallery_QK[query], answers.score_QK[query], answers.right_QK[query], strict=True
    ):
        kind = "right" if right else "wrong"
        framed = tile(gallery, int(index), kind=kind, note=f"{score:.2f}", picture=picture)
        tiles.append(f"<li>{framed}</li>")
    return "".join(tiles)
