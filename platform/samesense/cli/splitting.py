"""The corpus of a training job, scanned and split before anything heavy is loaded or started."""

from pathlib import Path

from samesense.cli.tables import report_scan
from samesense.core.errors import blame
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import list_domains, scan
from samesense.corpus.splits import check_held_out, leave_domains_out
from samesense.training.options import TrainJob


def check_names(job: TrainJob) -> None:
    """Check that the corpus is there and lists the held-out domains, without reading an image.

    Raises:
        CorpusError: if not.
    """
    with blame("corpus", "uri"):
        domains = list_domains(job.corpus.uri)
    if domains:
        with blame("corpus", "held_out"):
            check_held_out(job.corpus.held_out, domains=domains)


def split_corpus(job: TrainJob) -> Manifest:
    """Scan the job's corpus, tell what it holds, and return it with its splits.

    Raises:
        CorpusError: if the corpus cannot be read or split.
    """
    with blame("corpus", "uri"):
        found = scan(job.corpus.uri, limits=job.corpus.limits)
    report_scan(found, rejections=Path(job.out) / "rejections.parquet")
    with blame("corpus", "held_out"):
        return leave_domains_out(
            found.manifest, held_out=job.corpus.held_out, seed=job.seed, shares=job.corpus.shares
        )
