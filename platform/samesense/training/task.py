"""One stage as it is sent to the workers: plain data, nothing that needs a connection.

Shapes: N items, C concepts, D width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.recipe.options import Recipe, StageOptions
from samesense.training.options import CheckpointOptions, DeepSpeedOptions, TrackingOptions
from samesense.training.sources import Source


@dataclass(frozen=True)
class Items:
    """The items of one split, with concepts and domains as integers."""

    uris: NDArray[np.object_]
    """Where the images lie."""
    texts: NDArray[np.object_]
    """What the items say: their text, or the name of their concept."""
    concept_N: NDArray[np.int64]
    """Concept of each item, the same numbers in every split."""
    domain_N: NDArray[np.int64]
    """Domain of each item."""
    vectors: Mapping[str, object]
    """Source key → Ray reference of its tower vectors (N, D)."""


@dataclass(frozen=True)
class Concepts:
    """All concepts of the training data, in the order of their labels."""

    names: tuple[str, ...]
    vectors: Mapping[str, NDArray[np.float32]]
    """Source key → tower vectors (C, D) of the names, where the tower is frozen."""


@dataclass(frozen=True)
class StageTask:
    """Everything that a worker needs to train one stage."""

    recipe: Recipe
    stage: StageOptions
    sources: Mapping[str, Source]
    """View → what it reads."""
    artefact: str
    """Folder of the artefact that the stage starts from."""
    training: Items
    validation: Items
    concepts: Concepts
    checkpoint_folder: str
    """Where the stage's checkpoints lie: a path, or an ``s3://`` URI."""
    checkpoints: CheckpointOptions
    out: str
    """Folder of the run, where the first rank writes its numbers."""
    tracking: TrackingOptions
    config: Mapping[str, Any]
    """The job as JSON, for trackers that keep it beside the numbers."""
    seed: int
    deepspeed: DeepSpeedOptions
    threads: int
    """CPU threads of a worker's arithmetic."""
    limits: DecodeLimits


def as_items(manifest: Manifest, *, concepts: list[str], vectors: Mapping[str, object]) -> Items:
    """Return a manifest's rows as a worker reads them."""
    labels, texts = manifest.column("label"), manifest.column("text")
    return Items(
        uris=manifest.column("uri"),
        texts=np.array([t or label for t, label in zip(texts, labels, strict=True)], dtype=object),
        concept_N=np.array([concepts.index(label) for label in labels], dtype=np.int64),
        domain_N=domain_numbers(manifest),
        vectors=vectors,
    )


def domain_numbers(manifest: Manifest) -> NDArray[np.int64]:
    """Return the domain (N,) of each row as its number among the manifest's sorted domains."""
    domains = manifest.domains
    return np.array([domains.index(d) for d in manifest.column("domain")], dtype=np.int64)
