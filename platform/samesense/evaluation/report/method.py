"""What a protocol asks, in the page's words."""

from collections.abc import Mapping
from dataclasses import dataclass

RANKED = """mAP@200 rewards right answers that come early; Prec@200 is the share of right answers
among the first 200, and its ceiling is what a perfect ranking would reach, since a concept may have
fewer than 200 images in the gallery."""


@dataclass(frozen=True)
class Method:
    """A protocol in words."""

    title: str
    """What stands before the corpus's name."""
    unseen: str
    """What training never saw."""
    parts: str
    """What it is measured for one by one."""
    words: str
    """What is asked of what, and what the numbers mean."""


METHODS: Mapping[str, Method] = {
    "udcdr": Method(
        "Cross-domain search on",
        "domains that training never saw",
        "held-out domains",
        """A domain is held out: no training stage and no selection has seen an image of it. Its
images are the queries; the gallery holds images of the other domains that no stage has seen
either. """
        + RANKED,
    ),
    "udcdr-official": Method(
        "Cross-domain search, as published, on",
        "domains that training never saw",
        "held-out domains",
        """A domain is held out: no training stage and no selection has seen an image of it. Its
images are the queries. As published, the gallery holds images that training has seen, so that
numbers can be compared with those of papers; how well a model does on what it never saw tells the
clean variant. """
        + RANKED,
    ),
    "uccdr": Method(
        "Search for unseen classes on",
        "classes that training never saw",
        "parts",
        """Classes are held out: no training stage and no selection has seen an image of them. Each
of their images in the training domains is asked, and searched in the other training domains. """
        + RANKED,
    ),
    "ucdr": Method(
        "Search for unseen classes from an unseen domain on",
        "domains and classes that training never saw",
        "held-out domains",
        """A domain and classes are held out: no training stage and no selection has seen an image
of either. The domain's images of these classes are the queries; the gallery holds images of these
classes in the other domains, and of seen classes too where it is mixed. """
        + RANKED,
    ),
    "dg": Method(
        "Concepts told in unseen domains of",
        "domains that training never saw",
        "held-out domains",
        """A domain is held out, and classifiers learn from vectors of the training domains: the
nearest mean vector of a concept, and a linear probe whose strength is chosen on images of the
training domains that were kept back. The held-out domain is asked once.""",
    ),
    "matrix": Method(
        "Every domain searched from every other on",
        "domains that training never saw",
        "held-out domains",
        """mAP@all with every domain's images as queries and every other domain's as gallery, on
images that no training stage has seen; in its own domain an image is never its own answer.""",
    ),
    "gap": Method(
        "What is left between the domains of",
        "domains that training never saw",
        "held-out domains",
        """How far domains lie apart and how much of them a vector still tells, on images that no
training stage has seen. Of the distance, the probe and hubness less is better; of mixing and CKA
more is.""",
    ),
}


def method_of(measure: str) -> Method:
    """Return the words for a protocol, or for a variant of it that has its own."""
    return METHODS.get(measure) or METHODS[measure.partition("-")[0]]
