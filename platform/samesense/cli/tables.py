"""What commands print: short tables on standard output."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from samesense.corpus.rejections import write_rejections
from samesense.corpus.scan import Scan
from samesense.index.rows import Hit

REJECTIONS_SHOWN = 5


def print_scan(found: Scan) -> None:
    """Print how many images of each domain and concept a corpus holds, and what was rejected."""
    manifest, rejections = found.manifest, found.rejections
    print(f"listed {found.listed} = accepted {len(manifest)} + rejected {len(rejections)}")
    per_domain = Counter(manifest.column("domain"))
    for domain in manifest.domains:
        print(f"  {domain:<20} {per_domain[domain]:>8} images")
    print(f"  {len(manifest.labels)} concepts")
    for reason, count in Counter(r.reason for r in rejections).most_common():
        print(f"  rejected: {reason:<18} {count:>6}")
    for rejection in rejections[:REJECTIONS_SHOWN]:
        print(f"    {rejection.uri}: {rejection.reason} ({rejection.detail})")
    if len(rejections) > REJECTIONS_SHOWN:
        print(f"    ... and {len(rejections) - REJECTIONS_SHOWN} more in the rejections table")


def report_scan(found: Scan, *, rejections: Path) -> None:
    """Print what a corpus holds, and write what was rejected as a table.

    Raises:
        CorpusError: after that, if nothing was accepted.
    """
    print_scan(found)
    write_rejections(rejections, found.rejections)
    print(f"rejections  {rejections}")
    found.refuse_if_empty(table=rejections)


def print_hits(hits: Sequence[Hit]) -> None:
    """Print one ranking."""
    for place, hit in enumerate(hits, start=1):
        print(f"{place:>4}  {hit.score:.4f}  {hit.domain:<16} {hit.label:<16} {hit.uri}")
