"""One picture of a corpus on the page: framed, marked right or wrong, with its words."""

from collections.abc import Callable
from html import escape

from samesense.corpus.manifest import Manifest

MARKS = {"right": "✓", "wrong": "✗"}


def tile(
    manifest: Manifest, index: int, *, kind: str, note: str, picture: Callable[[str], str]
) -> str:
    """Return a ``<figure>`` of an item; ``kind`` is ``query``, ``right`` or ``wrong``."""
    row = manifest.table.slice(index, 1).to_pylist()[0]
    label, domain = escape(str(row["label"])), escape(str(row["domain"]))
    mark = MARKS.get(kind, "")
    badge = f'<span class="mark" aria-hidden="true">{mark}</span>' if mark else ""
    return (
        f'<figure class="tile {kind}"><span class="frame">'
        f'<img src="{picture(row["uri"])}" alt="{kind}: {label}, {domain}">{badge}</span>'
        f"<figcaption><b>{label}</b><br>{domain}<br>{note}</figcaption></figure>"
    )
