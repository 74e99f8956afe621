"""A recipe is an encoder, and the stages that train it."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from samesense.core.options import Options
from samesense.encoder.options import EncoderOptions
from samesense.objectives.options import Loss


class BalancedSamplerOptions(Options):
    """The same concepts in every domain of the batch."""

    kind: Literal["concepts_by_domains"]
    concepts_per_step: int = Field(default=5, ge=1)
    """How many concepts a global step holds."""
    images_per_concept_and_domain: int = Field(default=4, ge=1)
    """How many images of each of them, from every training domain."""


class ShuffledSamplerOptions(Options):
    """All items once an epoch, in random order."""

    kind: Literal["shuffled"]
    items_per_step: int = Field(default=64, ge=1)
    """How many items a global step holds."""


Sampler = Annotated[BalancedSamplerOptions | ShuffledSamplerOptions, Field(discriminator="kind")]


class OptimiserOptions(Options):
    """AdamW with linear warm-up and cosine decay to zero."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """The peak rate."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled decay of weights; vectors and scalars (biases, norms) are not decayed."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of the two moment estimates."""
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps in which the rate rises to its peak."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from None
    return pattern


class StageOptions(Options):
    """One stage: which parameters learn, from which batches, by which losses, how long."""

    kind: Literal["train"] = "train"
    name: str
    """Names the stage in logs and results."""
    trainable: tuple[Annotated[str, AfterValidator(_compiled)], ...] = Field(min_length=1)
    """Regular expressions over parameter names (``block.parameter``); the others are frozen."""
    sampler: Sampler
    """Which items form a global step."""
    losses: tuple[Loss, ...] = Field(min_length=1)
    """The terms that are summed."""
    steps: int = Field(ge=1)
    """How many global steps."""
    images_per_forward: int | None = Field(default=None, ge=1)
    """How many items of its share of a step a worker holds in memory at once; the batch of the
    losses stays the whole step (cached contrastive). ``null``: its whole share."""
    optimiser: OptimiserOptions = OptimiserOptions()
    """How the parameters move."""
    validate_every_steps: int | None = Field(default=None, ge=1)
    """Validate on the training domains this often and keep the best weights; ``null``: the last."""


class FitStageOptions(Options):
    """One stage without gradients: a block is worked out from the vectors that reach it."""

    kind: Literal["fit"]
    name: str
    """Names the stage in logs and results."""
    block: str
    """A block with a closed form, on the way from images to vectors."""


def _stage_kind(stage: Any) -> str:
    """Return a stage's kind; one that states none is trained."""
    kind = stage.get("kind", "train") if isinstance(stage, dict) else stage.kind
    return str(kind)


Stage = Annotated[
    Annotated[StageOptions, Tag("train")] | Annotated[FitStageOptions, Tag("fit")],
    Discriminator(_stage_kind),
]


class Recipe(EncoderOptions):
    """A method as data: an encoder and its training stages."""

    name: str
    """Names the method in results."""
    summary: str = ""
    """One sentence on what it does."""
    stages: tuple[Stage, ...] = ()
    """Trained one after another, each from the weights of the one before."""

    def with_block(self, name: str, **changes: Any) -> "Recipe":
        """Return the recipe with other values of some options of one block."""
        block = self.blocks[name].model_copy(update=changes)
        return self.model_copy(update={"blocks": {**self.blocks, name: block}})

    def with_adapter(self, tower: str, **changes: Any) -> "Recipe":
        """Return the recipe with other values of some options of a tower's adapter."""
        adapter = self.adapted_towers()[tower].model_copy(update=changes)
        return self.with_block(tower, lora=adapter)
