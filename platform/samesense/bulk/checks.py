"""Whether a job can work at all, before a cluster is asked for."""

from samesense.artefact.folder import load_artefact
from samesense.bulk.options import EmbedJob
from samesense.core.errors import CorpusError, blame
from samesense.corpus.sources.listing import list_rows
from samesense.corpus.sources.options import CorpusOptions
from samesense.index.store import open_store


def check_job(job: EmbedJob) -> None:
    """Check that the model is there, the corpus lists something, and the index answers.

    Raises:
        ArtefactError: if there is no such model.
        CorpusError: if the corpus is not there, empty, or closed to these credentials.
        StoreError: if the index cannot be opened.
    """
    load_artefact(job.model)
    with blame("corpus", "uri"):
        check_not_empty(job.corpus)
    if job.milvus is not None:
        open_store(job.milvus).close()


def check_not_empty(corpus: CorpusOptions) -> None:
    """Check that a corpus lists at least one row.

    Raises:
        CorpusError: if not.
    """
    if next(iter(list_rows(corpus)), None) is None:
        raise CorpusError(
            f"{corpus.uri}: is empty; give a folder or s3:// prefix domain/class/file, or a "
            "manifest"
        )
