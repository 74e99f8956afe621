"""The rejected rows of a job, as a table that a person can open."""

from collections import Counter
from pathlib import Path
from typing import NoReturn

from samesense.bulk.ledger import Ledger
from samesense.bulk.listing import Listing
from samesense.bulk.options import EmbedJob
from samesense.core.errors import CorpusError
from samesense.corpus.rejections import Rejection, write_rejections


def rejections_table(job: EmbedJob) -> Path:
    """Return where a job writes what it rejects."""
    return Path(job.out) / "rejections.parquet"


def write_rejections_table(job: EmbedJob, ledger: Ledger) -> None:
    """Write the rejected rows of all finished blocks."""
    write_rejections(
        rejections_table(job),
        [
            Rejection(entry.uri, entry.domain, entry.label, entry.reason, entry.detail)
            for entry in ledger.rejected()
        ],
    )


def any_accepted(ledger: Ledger) -> bool:
    """Tell whether any row was not rejected."""
    return any(counts["rejected"] < sum(counts.values()) for counts in ledger.counts().values())


def refuse_all(job: EmbedJob, ledger: Ledger, listing: Listing) -> NoReturn:
    """Refuse a corpus of which nothing was accepted.

    Raises:
        CorpusError: with how many rows were rejected for which reason.
    """
    first = next(ledger.rejected())
    reasons = Counter(entry.reason for entry in ledger.rejected()).most_common()
    shown = ", ".join(f"{count} {reason}" for reason, count in reasons)
    raise CorpusError(
        f"{job.corpus.uri}: all {listing.rows} rows were rejected ({shown}), each with its reason "
        f"in {rejections_table(job)}; the first is {first.uri}: {first.reason} ({first.detail}). "
        "Images belong at domain/class/file, or where `corpus.pattern` says, or in a manifest with "
        "the columns uri, domain and label"
    )
