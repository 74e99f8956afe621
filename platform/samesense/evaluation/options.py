"""The whole of an evaluation job, as one typed tree."""

from typing import Literal

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits

Protocol = Literal["udcdr", "dg", "matrix", "gap"]


class EvaluateJob(Options):
    """Measure a trained model on images that no stage of it has seen."""

    model: str
    """Folder of the training run, or of its artefact."""
    corpus: str
    """The corpus that it was trained on."""
    protocol: Protocol = "udcdr"
    """Held-out queries in a gallery of the training domains, their concepts told by classifiers,
    every domain searched from every other, or what is left between the domains."""
    cache: str = "runs/cache"
    """Folder of the vector cache."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""
