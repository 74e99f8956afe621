"""The whole of an evaluation job, as one typed tree."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits

Protocol = Literal["udcdr", "uccdr", "ucdr", "dg", "matrix", "gap"]
Variant = Literal["clean", "official"]
Gallery = Literal["unseen", "mixed"]
OF_UCDR = ("udcdr", "uccdr", "ucdr")


class EvaluateJob(Options):
    """Measure trained models on images that no stage of them has seen."""

    models: tuple[str, ...] = Field(min_length=1)
    """Folders of training runs, or of their artefacts. Runs that differ only in seed or held-out
    domains are one model; the other models are compared with the first."""
    corpus: str
    """The corpus that they were trained on."""
    protocol: Protocol = "udcdr"
    """Queries of an unseen domain, of unseen classes or of both, their concepts told by
    classifiers, every domain searched from every other, or what is left between the domains."""
    variant: Variant = "clean"
    """``official``: as published, flaws included; of a model that was trained on a published split
    (``samesense corpus split --rule official``)."""
    gallery: Gallery = "unseen"
    """What UCDR searches: images of the held-out classes, or ``mixed`` with those of seen ones."""
    cache: str = "runs/cache"
    """Folder of the vector cache."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""

    @field_validator("variant")
    @classmethod
    def _was_published(cls, variant: str, told: ValidationInfo) -> str:
        protocol = told.data.get("protocol", OF_UCDR[0])
        if variant == "official" and protocol not in OF_UCDR:
            raise ValueError(f"official is of {', '.join(OF_UCDR)}, not of {protocol}")
        return variant

    @field_validator("gallery")
    @classmethod
    def _is_of_ucdr(cls, gallery: str, told: ValidationInfo) -> str:
        protocol = told.data.get("protocol", "ucdr")
        if gallery == "mixed" and protocol != "ucdr":
            raise ValueError(f"mixed is of ucdr, not of {protocol}")
        return gallery

    @property
    def measure(self) -> str:
        """What the rows call it: protocol, gallery and variant."""
        gallery = "-mixed" if self.gallery == "mixed" else ""
        return f"{self.protocol}{gallery}-{self.variant}"
