"""UdCDR and UCDR: the query's domain is unseen; its class is seen, or is not.

Which images that are says ``asked``. The clean UdCDR differs from the published one (Paul et al.,
ICCV 2021, and its followers), whose gallery images are all training images.
"""

from samesense.core.errors import CorpusError
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.scores import Each, Scores, score

SEEN = ("train", "validation")


def udcdr(embedded: Embedded, *, each: Each = map) -> Scores:
    """Score the held-out domains' queries in the gallery of the training domains.

    Blocks of queries are scored by ``each``.

    Raises:
        CorpusError: if there is no query or no gallery, or training saw one of them.
    """
    refuse_seen(embedded)
    query = embedded.of(splits=("query",))
    gallery = embedded.of(splits=("gallery",))
    if not len(query.manifest) or not len(gallery.manifest):
        raise CorpusError(
            f"{len(query.manifest)} queries and {len(gallery.manifest)} "
            "gallery images; split the corpus with a domain held out"
        )
    return score(query, gallery=gallery, each=each)


def refuse_seen(embedded: Embedded) -> None:
    """Refuse items whose content training or validation has used.

    Raises:
        CorpusError: naming one of them.
    """
    used = set(embedded.of(splits=SEEN).manifest.column("content_hash"))
    unseen = embedded.of(splits=("query", "gallery")).manifest
    rows = zip(unseen.column("uri"), unseen.column("content_hash"), strict=True)
    leaked = [uri for uri, content in rows if content in used]
    if leaked:
        raise CorpusError(f"{len(leaked)} evaluated images were trained on, such as {leaked[0]}")
