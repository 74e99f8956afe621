"""What a stage reads: for each view it uses, the items themselves or a frozen tower's vectors.

A view of images whose tower holds no trainable parameter reads tower vectors from the cache, so
the tower runs once however many epochs follow. A view of concepts whose tower is frozen reads
tower vectors of their names, made once a stage. Any other view reads the items, or the names, and
runs its tower.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from samesense.encoder.options import ViewInput
from samesense.recipe.options import Recipe, StageOptions


@dataclass(frozen=True)
class Source:
    """One thing to read for every item, or for every concept."""

    kind: Literal["cached", "live"]
    """Tower vectors made before, or the item or name rendered for its tower."""
    modality: ViewInput
    """Which part of the item, or the names of the concepts."""
    prefix: tuple[str, ...]
    """The blocks that give the tower vector; the first is the tower."""

    @property
    def key(self) -> str:
        """Names the source in a batch."""
        return f"{self.modality}:{'>'.join(self.prefix)}"

    @property
    def tower(self) -> str:
        """Name of the tower's block."""
        return self.prefix[0]


def stage_views(recipe: Recipe, *, stage: StageOptions) -> tuple[str, ...]:
    """Return the views that the stage's losses or its validation need, sorted."""
    views = {name for loss in stage.losses for name in loss.on.values() if name in recipe.views}
    if stage.validate_every_steps is not None:
        views.add(recipe.vector["image"])
    return tuple(sorted(views))


def view_source(
    recipe: Recipe, *, stage: StageOptions, view: str, parameters: Iterable[str]
) -> Source:
    """Return what the view reads in this stage; ``parameters`` are the encoder's names."""
    prefix = recipe.prefix(view)
    patterns = [re.compile(pattern) for pattern in stage.trainable]
    learns = any(
        pattern.fullmatch(name)
        for name in parameters
        if name.split(".")[0] in prefix
        for pattern in patterns
    )
    modality = recipe.views[view].input
    kind: Literal["cached", "live"] = "live" if learns or modality == "text" else "cached"
    return Source(kind=kind, modality=modality, prefix=prefix)
