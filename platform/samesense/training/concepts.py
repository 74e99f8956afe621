"""The names of all concepts, as views of concepts read them.

Shapes: C concepts, D width.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray

from samesense.artefact.folder import Artefact, load_artefact
from samesense.encoder.encoder import Encoder
from samesense.training.sources import Source
from samesense.training.task import Concepts, StageTask

NAMES_PER_FORWARD = 32


def prepare_concepts(
    names: Sequence[str], *, sources: Mapping[str, Source], artefact: Artefact, gpu: bool
) -> Concepts:
    """Return the names, with their vectors by the frozen towers that a stage's views read.

    A tower runs in a Ray task of its own, with a GPU if asked.
    """
    view_of = {
        source: view
        for view, source in sources.items()
        if source.modality == "concept" and source.kind == "cached"
    }
    embed = ray.remote(embed_names).options(num_gpus=int(gpu))
    vectors = {
        source.key: ray.get(embed.remote(str(artefact.folder), view, list(names), gpu))
        for source, view in view_of.items()
    }
    return Concepts(names=tuple(names), vectors=vectors)


def embed_names(folder: str, view: str, names: list[str], gpu: bool) -> NDArray[np.float32]:
    """Return the tower vectors (C, D) of names by an artefact's view, on a GPU if asked."""
    encoder = load_artefact(folder).encoder().to("cuda" if gpu else "cpu")
    tower: Any = encoder.blocks[encoder.options.prefix(view)[0]]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(names), NAMES_PER_FORWARD):
            inputs = tower.prepare_texts(names[start : start + NAMES_PER_FORWARD])
            parts.append(encoder.tower_vectors(view, inputs=inputs).cpu())
    h_CD: NDArray[np.float32] = torch.cat(parts).numpy()
    return h_CD


def concept_inputs(encoder: Encoder, *, task: StageTask) -> dict[str, Any]:
    """Return, by source key, what the stage's views of concepts read in every step.

    Tower vectors (C, D) where the tower is frozen, else the names rendered for it.
    """
    inputs: dict[str, Any] = {}
    for source in task.sources.values():
        if source.modality == "concept" and source.kind == "cached":
            inputs[source.key] = torch.tensor(task.concepts.vectors[source.key])
        elif source.modality == "concept":
            tower: Any = encoder.blocks[source.tower]
            inputs[source.key] = tower.prepare_texts(task.concepts.names)
    return inputs
