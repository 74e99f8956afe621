"""The whole of an evaluation job, as one typed tree."""

from typing import Literal

from pydantic import Field

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits

Protocol = Literal["udcdr", "dg", "matrix", "gap"]


class EvaluateJob(Options):
    """Measure trained models on images that no stage of them has seen."""

    models: tuple[str, ...] = Field(min_length=1)
    """Folders of training runs, or of their artefacts. Runs that differ only in seed or held-out
    domains are one model; the other models are compared with the first."""
    corpus: str
    """The corpus that they were trained on."""
    protocol: Protocol = "udcdr"
    """Held-out queries in a gallery of the training domains, their concepts told by classifiers,
    every domain searched from every other, or what is left between the domains."""
    cache: str = "runs/cache"
    """Folder of the vector cache."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""
