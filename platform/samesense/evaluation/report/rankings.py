"""Rankings of a few held-out queries before and after alignment, as rows of pictures.

Shapes: Q queries, G gallery items.
"""

from html import escape

import numpy as np

from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.report.report import Fold
from samesense.evaluation.report.thumbnails import thumbnail_uri
from samesense.metrics.ranking import average_precision_at_k, rank

SHOWN_HITS = 10
SHOWN_QUERIES = 3


def rankings(fold: Fold) -> str:
    """Return HTML: queries spread over the quality of their answers, and the worst confident one."""
    query, gallery = fold.after.of(splits=("query",)), fold.after.of(splits=("gallery",))
    labels_Q, labels_G = query.manifest.column("label"), gallery.manifest.column("label")
    similarity_QG = query.z_ND @ gallery.z_ND.T
    relevant_QG = (labels_Q[:, None] == labels_G[None, :]).astype(bool)
    order_Q = np.argsort(average_precision_at_k(similarity_QG, relevant_QG, SHOWN_HITS))
    spread = [order_Q[round(share * (len(order_Q) - 1))] for share in (0.85, 0.5, 0.2)]
    failure = _most_confident_error(similarity_QG, relevant_QG)
    parts = [_pair(fold, int(q), "") for q in dict.fromkeys(spread[:SHOWN_QUERIES])]
    if failure is not None:
        parts.append(_pair(fold, failure, "<p class='note'>The most confident error:</p>"))
    return "\n".join(parts)


def _most_confident_error(
    similarity_QG: np.ndarray, relevant_QG: np.ndarray
) -> int | None:
    """Return the query whose first answer is wrong with the highest similarity."""
    first_Q = similarity_QG.argmax(axis=1)
    rows_Q = np.arange(len(first_Q))
    wrong_Q = ~relevant_QG[rows_Q, first_Q]
    if not wrong_Q.any():
        return None
    return int(np.where(wrong_Q, similarity_QG[rows_Q, first_Q], -np.inf).argmax())


def _pair(fold: Fold, query: int, heading: str) -> str:
    rows = [_row(fold.before, query, "unaligned"), _row(fold.after, query, "aligned")]
    return heading + "".join(rows)


def _row(embedded: Embedded, query: int, name: str) -> str:
    asked, gallery = embedded.of(splits=("query",)), embedded.of(splits=("gallery",))
    similarity = asked.z_ND[query : query + 1] @ gallery.z_ND.T
    wanted = str(asked.manifest.column("label")[query])
    tiles = [_tile(asked.manifest, query, "query", None)]
    for place, g in enumerate(rank(similarity, SHOWN_HITS)[0], start=1):
        right = gallery.manifest.column("label")[g] == wanted
        score = f"{place}. {similarity[0, g]:.2f}"
        tiles.append(_tile(gallery.manifest, int(g), score, bool(right)))
    return f"<div class='scroll'><div class='ranking'><span class='name'>{name}</span>{''.join(tiles)}</div></div>"


def _tile(manifest: Manifest, index: int, note: str, right: bool | None) -> str:
    label, domain, uri = (str(manifest.column(n)[index]) for n in ("label", "domain", "uri"))
    kind = {True: "right", False: "wrong", None: "query"}[right]
    mark = {True: "✓ ", False: "✗ ", None: ""}[right]
    alt = escape(f"{kind}: {label}, {domain}", quote=True)
    return (
        f"<figure class='{kind}'><img src='{thumbnail_uri(uri)}' alt='{alt}'>"
        f"<figcaption>{mark}{escape(label)}<br>{escape(domain)}<br>{escape(note)}</figcaption></figure>"
    )
