"""Options of the losses. ``on`` says which named tensor plays which role."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options

Takes = Literal["items", "concepts", "domains", "classes", "variances", "scalar"]
"""What plays a role: a vector of every item of the batch, a row for every concept or every domain
of the training data (``classes``: for that of them which the loss's ``labels`` names), a number for
every entry of a vector, or one number."""

Z: Mapping[str, Takes] = {"z": "items"}
LEARNED: Mapping[str, Takes] = {"temperature": "scalar"}


class LossOptions(Options):
    """What every loss states."""

    roles: ClassVar[Mapping[str, Takes]]
    """Role that ``on`` must fill → what plays it."""
    optional: ClassVar[Mapping[str, Takes]] = {}
    """Role that ``on`` may fill → what plays it."""
    on: dict[str, str]
    """Role → name of the view or block that plays it."""
    weight: float = Field(default=1.0, ge=0)
    """Factor in the sum of losses."""
    ramp_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the steps in which the weight rises linearly to its value."""


class MultiPositiveOptions(LossOptions):
    """Every image of every domain is an anchor and every domain weighs the same."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    optional: ClassVar[Mapping[str, Takes]] = LEARNED
    kind: Literal["multi_positive"]
    temperature: float = Field(default=0.05, gt=0)
    """Divides the cosines, unless ``on`` names a learned temperature."""
    own_domain: Literal["include", "leave_out"] = "include"
    """Whether images of the anchor's own domain count as positives."""
    same_domain_negative_weight: float = Field(default=1.0, gt=0)
    """Factor on the exponentials of negatives from the anchor's own domain."""
    false_negative_margin: float | None = Field(default=None, gt=0)
    """Leave out negatives whose cosine exceeds the positive's by more than this."""
    anchor: str | int | None = None
    """Contrast the other domains' items with those of this domain alone: its name, or its number
    among the sorted training domains."""


class SemanticRelationsOptions(LossOptions):
    """An image stands to the names of all concepts as the name of its own does."""

    roles: ClassVar[Mapping[str, Takes]] = {**Z, "concepts": "concepts"}
    kind: Literal["semantic_relations"]
    variant: Literal["relations", "hard", "margin"] = "relations"
    """Divergence from the names' own relations, cross-entropy, or that with CLIPood's margin."""
    temperature: float = Field(default=0.05, gt=0)
    """Divides the cosines of images with names and of names with names."""
    margin: float = Field(default=0.3, ge=0)
    """The factor λ of the variant ``margin``."""


class CoherenceOptions(LossOptions):
    """The domain means of one concept become one direction, without an anchor."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    kind: Literal["coherence"]
    variant: Literal["singular_values", "pairwise"] = "singular_values"
    """Cross-entropy of the singular values against the first, or mean pairwise 1 − cosine."""
    temperature: float = Field(default=0.05, gt=0)
    """Divides the singular values."""


class StyleOptions(LossOptions):
    """Within a concept, no domain lies off its own way."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    kind: Literal["style"]
    second_moments: float = Field(default=0.0, ge=0)
    """Weight of the domains' second moments beside their means."""


class PreserveOptions(LossOptions):
    """The aligned vector stays near the frozen one."""

    roles: ClassVar[Mapping[str, Takes]] = {**Z, "h": "items"}
    kind: Literal["preserve"]


class MiroOptions(LossOptions):
    """The aligned vector stays near the frozen one, in the entries where it is worth it."""

    roles: ClassVar[Mapping[str, Takes]] = {**Z, "h": "items", "variances": "variances"}
    kind: Literal["miro"]


class InfoNceOptions(LossOptions):
    """Contrast of queries with candidates at a learned temperature."""

    roles: ClassVar[Mapping[str, Takes]] = {"query": "items", "candidate": "items", **LEARNED}
    kind: Literal["info_nce"]
    direction: Literal["symmetric", "query_to_candidate"] = "symmetric"
    """Both directions, or queries against candidates only."""
    positives: Literal["pair", "concept", "concept_in_domain"] = "pair"
    """The item's own candidate, or in equal shares all of its concept, or of that in its domain."""


class SupConOptions(LossOptions):
    """Plain supervised contrast: a control that does not know of domains."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    optional: ClassVar[Mapping[str, Takes]] = LEARNED
    kind: Literal["supcon"]
    temperature: float = Field(default=0.07, gt=0)
    """Divides the cosines, unless ``on`` names a learned temperature."""


class CentroidOptions(LossOptions):
    """Contrast with the middle of all domains: a control."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    optional: ClassVar[Mapping[str, Takes]] = LEARNED
    kind: Literal["centroid"]
    temperature: float = Field(default=0.07, gt=0)
    """Divides the cosines, unless ``on`` names a learned temperature."""


class CoralOptions(LossOptions):
    """All domains get the same mean and covariance: a control."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    kind: Literal["coral"]


class MmdOptions(LossOptions):
    """All domains get the same distribution: a control."""

    roles: ClassVar[Mapping[str, Takes]] = Z
    kind: Literal["mmd"]
    gammas: tuple[Annotated[float, Field(gt=0)], ...] = (0.001, 0.01, 0.1, 1, 10, 100, 1000)
    """Factors on the squared distances in the mixture of kernels; these are DomainBed's."""


class CrossEntropyOptions(LossOptions):
    """Classification by cosine with a row for every class."""

    roles: ClassVar[Mapping[str, Takes]] = {**Z, "classes": "classes"}
    optional: ClassVar[Mapping[str, Takes]] = LEARNED
    kind: Literal["cross_entropy"]
    labels: Literal["concept", "domain"] = "concept"
    """What the classes are."""
    temperature: float = Field(default=0.05, gt=0)
    """Divides the cosines, unless ``on`` names a learned temperature."""


class ArcFaceOptions(LossOptions):
    """Classification with a margin between the angles: a control."""

    roles: ClassVar[Mapping[str, Takes]] = {**Z, "classes": "concepts"}
    kind: Literal["arcface"]
    temperature: float = Field(default=1 / 30, gt=0)
    """Divides the cosines."""
    margin: float = Field(default=0.3, ge=0, lt=3)
    """Added to the angle with the own class, in radians."""


BatchLoss = (
    MultiPositiveOptions
    | CoherenceOptions
    | StyleOptions
    | SupConOptions
    | CentroidOptions
    | CoralOptions
    | MmdOptions
)
"""Losses of one view's vectors with each other."""
ReferenceLoss = (
    SemanticRelationsOptions
    | PreserveOptions
    | MiroOptions
    | InfoNceOptions
    | CrossEntropyOptions
    | ArcFaceOptions
)
"""Losses of one view's vectors with something else."""
Loss = Annotated[BatchLoss | ReferenceLoss, Field(discriminator="kind")]
