"""What is left between the domains, on items that no stage has seen."""

import numpy as np

from samesense.core.errors import CorpusError
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.protocols.domain_probe import domain_probe
from samesense.evaluation.protocols.scores import Scores
from samesense.evaluation.protocols.udcdr import refuse_seen
from samesense.metrics.gap import domain_cka, hubness, mean_distance, neighbour_mixing


def domain_gap(embedded: Embedded) -> Scores:
    """Measure how far domains lie apart and how much of them a vector still tells.

    Raises:
        CorpusError: if training saw one of the items, or a domain has a single one.
    """
    refuse_seen(embedded)
    unseen = embedded.of(splits=("query", "gallery"))
    for domain in unseen.manifest.domains:
        if len(unseen.of(domains=(domain,)).z_ND) < 2:
            raise CorpusError(
                f"domain '{domain}' has one unseen image, and one says nothing of a domain: "
                "give it more, or leave it out"
            )
    z_ND = unseen.z_ND
    domain_N, label_N = (
        unseen.manifest.column(name).astype(np.str_) for name in ("domain", "label")
    )
    values = {
        "domain mean distance": mean_distance(z_ND, domain_N=domain_N),
        "domain probe": domain_probe(unseen).accuracy,
        "neighbour mixing": neighbour_mixing(z_ND, domain_N=domain_N),
        "domain CKA": domain_cka(z_ND, domain_N=domain_N, label_N=label_N),
        "hubness": hubness(z_ND),
    }
    measured = {name: value for name, value in values.items() if value is not None}
    return Scores(measured, {}, n_queries=len(z_ND), n_gallery=len(z_ND))
