"""Options of the losses. ``on`` says which named tensor plays which role."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from samesense.core.options import Options


class LossOptions(Options):
    """What every loss states."""

    roles: ClassVar[tuple[str, ...]]
    """The roles that ``on`` must fill with the name of a view or of a temperature."""
    on: dict[str, str]
    """Role → name of the tensor that plays it."""
    weight: float = Field(default=1.0, ge=0)
    """Factor in the sum of losses."""


class MultiPositiveOptions(LossOptions):
    """Every image of every domain is an anchor and every domain weighs the same."""

    roles: ClassVar[tuple[str, ...]] = ("z",)
    kind: Literal["multi_positive"]
    temperature: float = Field(default=0.05, gt=0)
    """Divides the cosines."""
    own_domain: Literal["include", "leave_out"] = "include"
    """Whether images of the anchor's own domain count as positives."""
    same_domain_negative_weight: float = Field(default=1.0, gt=0)
    """Factor on the exponentials of negatives from the anchor's own domain."""
    false_negative_margin: float | None = Field(default=None, gt=0)
    """Leave out negatives whose cosine exceeds the positive's by more than this."""


class CoherenceOptions(LossOptions):
    """The domain means of one concept become one direction, without an anchor."""

    roles: ClassVar[tuple[str, ...]] = ("z",)
    kind: Literal["coherence"]
    variant: Literal["singular_values", "pairwise"] = "singular_values"
    """Cross-entropy of the singular values against the first, or mean pairwise 1 − cosine."""
    temperature: float = Field(default=0.05, gt=0)
    """Divides the singular values."""


class PreserveOptions(LossOptions):
    """The aligned vector stays near the frozen one."""

    roles: ClassVar[tuple[str, ...]] = ("z", "h")
    kind: Literal["preserve"]


class InfoNceOptions(LossOptions):
    """Contrast of queries with candidates at a learned temperature."""

    roles: ClassVar[tuple[str, ...]] = ("query", "candidate", "temperature")
    kind: Literal["info_nce"]
    direction: Literal["symmetric", "query_to_candidate"] = "symmetric"
    """Both directions, or queries against candidates only."""
    positives: Literal["pair", "concept", "concept_in_domain"] = "pair"
    """The item's own candidate, or in equal shares all of its concept, or of that in its domain."""


Loss = Annotated[
    MultiPositiveOptions | CoherenceOptions | PreserveOptions | InfoNceOptions,
    Field(discriminator="kind"),
]
