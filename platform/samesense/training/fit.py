"""A stage without gradients: a block is worked out from cached tower vectors.

Shapes: N items, D width.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samesense.artefact.folder import Artefact
from samesense.core.errors import TrainingError
from samesense.encoder.align.domain_whiten import DomainWhiten
from samesense.encoder.towers.weights import hash_weights
from samesense.recipe.options import FitStageOptions


def fit_block(
    before: Artefact,
    *,
    stage: FitStageOptions,
    h_ND: NDArray[np.float32],
    domain_N: NDArray[np.int64],
) -> dict[str, Tensor]:
    """Fit the stage's block on the vectors that reach it, and return its tensors by name.

    ``h_ND`` are the tower vectors of the training items' images.

    Raises:
        TrainingError: if the block stayed as it was, or another changed.
    """
    encoder = before.aligner()
    recipe = before.recipe
    view = recipe.vector["image"]
    way = recipe.views[view].blocks[len(recipe.prefix(view)) :]
    hashes = {name: hash_weights(block) for name, block in encoder.blocks.items()}
    block = encoder.blocks[stage.block]
    assert isinstance(block, DomainWhiten)
    with torch.inference_mode():
        x_ND = torch.from_numpy(h_ND)
        for name in way[: way.index(stage.block)]:
            x_ND = encoder.blocks[name](x_ND)
        block.fit(x_ND, domain_N=torch.from_numpy(domain_N))
    changed = {
        name for name, block in encoder.blocks.items() if hash_weights(block) != hashes[name]
    }
    if changed != {stage.block}:
        raise TrainingError(
            f"stage '{stage.name}' should have fitted '{stage.block}' alone, but changed: "
            f"{', '.join(sorted(changed)) or 'nothing, for the domains do not differ'}"
        )
    return {f"{stage.block}.{name}": tensor for name, tensor in block.state_dict().items()}
