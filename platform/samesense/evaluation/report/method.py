"""What a protocol asks, in the page's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samesense.evaluation.options import Protocol
from samesense.evaluation.results import Row

RANKED = """mAP@200 rewards right answers that come early; Prec@200 is the share of right answers
among the first 200, and its ceiling is what a perfect ranking would reach, since a concept may have
fewer than 200 images in the gallery."""
OFFICIAL = """As published: the gallery holds images that training has seen, so that numbers can be
compared with those of papers; how well a model does on what it never saw tells the clean
variant."""


@dataclass(frozen=True)
class Method:
    """A protocol in words."""

    title: str
    """What stands before the corpus's name."""
    unseen: str
    """What training never saw."""
    held_out: str
    """What is held out in each part of it."""
    words: str
    """What is asked of what, and what the numbers mean."""


METHODS: Mapping[Protocol, Method] = {
    "udcdr": Method(
        "Cross-domain search on",
        "domains that training never saw",
        "domains",
        """A domain is held out: no training stage and no selection has seen an image of it. Its
images are the queries; the gallery holds images of the other domains that no stage has seen
either. """
        + RANKED,
    ),
    "uccdr": Method(
        "Search for unseen classes on",
        "classes that training never saw",
        "groups of classes",
        """Classes are held out: no training stage and no selection has seen an image of them. Each
of their images in the training domains is asked, and searched in the other training domains. """
        + RANKED,
    ),
    "ucdr": Method(
        "Search for unseen classes from an unseen domain on",
        "domains and classes that training never saw",
        "domains",
        """A domain and classes are held out: no training stage and no selection has seen an image
of either. The domain's images of these classes are the queries; the gallery holds images of these
classes in the other domains, and of seen classes too where it is mixed. """
        + RANKED,
    ),
    "dg": Method(
        "Concepts told in unseen domains of",
        "domains that training never saw",
        "domains",
        """A domain is held out, and classifiers learn from vectors of the training domains: the
nearest mean vector of a concept, and a linear probe whose strength is chosen on images of the
training domains that were kept back. The held-out domain is asked once.""",
    ),
    "matrix": Method(
        "Every domain searched from every other on",
        "domains that training never saw",
        "domains",
        """mAP@all with every domain's images as queries and every other domain's as gallery, on
images that no training stage has seen; in its own domain an image is never its own answer.""",
    ),
    "gap": Method(
        "What is left between the domains of",
        "domains that training never saw",
        "domains",
        """How far domains lie apart and how much of them a vector still tells, on images that no
training stage has seen. Of the distance, the probe and hubness less is better; of mixing and CKA
more is.""",
    ),
}


def method_of(rows: Sequence[Row]) -> Method:
    """Return the method of the protocol that measured these rows."""
    measure = rows[0].protocol
    return next(of for name, of in METHODS.items() if name == measure.partition("-")[0])


def method_in_words(rows: Sequence[Row]) -> str:
    """Return what was asked of what, by which variant, and what the numbers mean."""
    words = method_of(rows).words
    return f"{words} {OFFICIAL}" if rows[0].protocol.endswith("-official") else words
