"""The corpus of a training job, scanned and split before anything heavy is loaded or started."""

from pathlib import Path

from samesense.cli.tables import report_scan
from samesense.core.errors import CorpusError, blame
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import list_domains, list_labels, scan
from samesense.corpus.split_file import SPLIT_FILE, SplitFile
from samesense.corpus.splits import check_held_out, check_held_out_classes, leave_domains_out
from samesense.training.options import TrainJob


def check_names(job: TrainJob) -> None:
    """Check that the corpus is there and lists what is held out, without reading an image.

    Raises:
        CorpusError: if not.
    """
    corpus = job.corpus
    with blame("corpus", "uri"):
        domains = list_domains(corpus.uri)
    if corpus.split is not None:
        _read_split(job, corpus.split)
        return
    if domains and (corpus.held_out or not corpus.held_out_classes):
        with blame("corpus", "held_out"):
            check_held_out(corpus.held_out, domains=domains)
    if corpus.held_out_classes:
        with blame("corpus", "held_out_classes"):
            check_held_out_classes(corpus.held_out_classes, labels=list_labels(corpus.uri))


def split_corpus(job: TrainJob) -> Manifest:
    """Scan the job's corpus, tell what it holds, and return it with its splits.

    A shared split is copied to the run's folder, for an evaluation to use the same.

    Raises:
        CorpusError: if the corpus cannot be read or split.
    """
    corpus = job.corpus
    with blame("corpus", "uri"):
        found = scan(corpus.uri, limits=corpus.limits)
    report_scan(found, rejections=Path(job.out) / "rejections.parquet")
    if corpus.split is not None:
        shared = _read_split(job, corpus.split)
        with blame("corpus", "split"):
            split = shared.apply(found.manifest, corpus=corpus.uri)
        shared.write(Path(job.out) / SPLIT_FILE)
        return to_train_on(split)
    with blame("corpus", "held_out"):
        return leave_domains_out(
            found.manifest,
            held_out=corpus.held_out,
            seed=job.seed,
            shares=corpus.shares,
            held_out_classes=corpus.held_out_classes,
        )


def to_train_on(split: Manifest) -> Manifest:
    """Return a split as training knows it: what the published UdCDR asks again is ``train``."""
    words = ("train" if word == "train_published" else word for word in split.column("split"))
    return split.with_split(list(words))


def _read_split(job: TrainJob, path: str) -> SplitFile:
    with blame("corpus", "split"):
        shared = SplitFile.read(Path(path))
    if set(shared.head.held_out) != set(job.corpus.held_out):
        named = ", ".join(shared.head.held_out) or "no domain"
        with blame("corpus", "held_out"):
            raise CorpusError(f"{path} holds out {named}; say the same here")
    return shared
