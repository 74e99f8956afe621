"""One global step: the loss of the whole batch, its gradient, and the update.

A rank's share is computed at once, or in parts (cached contrastive; Gao et al. 2021, "Scaling Deep
Contrastive Learning Batch Size under Memory Limited Setup", arXiv 2101.06983): all parts are
embedded without a graph, the loss of all their vectors gives every vector's gradient, and each part
is embedded again to carry its share of that gradient into the parameters. The gradient is that of
the whole batch; only one part's graph is ever in memory. Summing gradients of smaller batches is
something else: their items would meet only the negatives of their own part.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from samesense.core.errors import TrainingError
from samesense.training.engine import take_step
from samesense.training.feed import Batch
from samesense.training.measure import described
from samesense.training.module import ViewsModule, total_loss
from samesense.training.plan import Indices
from samesense.training.task import StageTask


def parts_per_step(task: StageTask, *, items_per_rank: int) -> int:
    """Return into how many parts a rank's share of a step is cut."""
    most = task.stage.images_per_forward or items_per_rank
    return -(-items_per_rank // most)


def reading_order(plan_SB: Indices, *, parts: int) -> list[Indices]:
    """Return what a rank reads, part by part; parts of a divided step are read twice."""
    passes = 1 if parts == 1 else 2
    return [
        part for row_B in plan_SB for _ in range(passes) for part in np.array_split(row_B, parts)
    ]


def train_step(
    engine: Any, batches: Iterator[Batch], *, step: int, parts: int, task: StageTask
) -> dict[str, float | None]:
    """Read a step's batches, move the parameters, and return what the step was like.

    Raises:
        TrainingError: if a vector or the loss is not finite.
    """
    if parts > 1:
        return _train_in_parts(engine, batches, step=step, parts=parts, task=task)
    batch = next(batches)
    tensors = _forward(engine, batch, step=step, part=0, task=task)
    loss, seen = _loss(tensors, [batch], step=step, task=task)
    engine.backward(loss)
    return {**seen, "gradient_norm": take_step(engine)}


def _train_in_parts(
    engine: Any, batches: Iterator[Batch], *, step: int, parts: int, task: StageTask
) -> dict[str, float | None]:
    labels: list[Batch] = []
    found: list[Mapping[str, Tensor]] = []
    with torch.no_grad():
        for part in range(parts):
            batch = next(batches)
            found.append(_forward(engine, batch, step=step, part=part, task=task))
            labels.append(Batch(inputs={}, concept_B=batch.concept_B, domain_B=batch.domain_B))
    leaves = _join(engine.module, found)
    loss, seen = _loss(leaves, labels, step=step, task=task)
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    wanted = dict(zip(leaves, gradients, strict=True))
    norm: float | None = None
    first = 0
    for part in range(parts):
        batch = next(batches)
        tensors = _forward(engine, batch, step=step, part=part, task=task)
        rows = slice(first, first + len(batch.concept_B))
        carried = _carried(engine.module, tensors, wanted, rows=rows)
        engine.backward(carried, scale_wrt_gas=False)
        norm, first = take_step(engine), rows.stop
    return {**seen, "gradient_norm": norm}


def _forward(
    engine: Any, batch: Batch, *, step: int, part: int, task: StageTask
) -> Mapping[str, Tensor]:
    """Embed a part; what chance there is depends on the step alone, so it comes again."""
    state = np.random.SeedSequence([task.seed, step, dist.get_rank(), part]).generate_state(1)
    _seed_chance(int(state[0]))
    tensors: Mapping[str, Tensor] = engine(batch.inputs)
    _check_finite(tensors, step=step, task=task)
    return tensors


def _seed_chance(seed: int) -> None:
    """Do as ``torch.manual_seed`` on the devices in use; for others it would queue a call each."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


def _join(module: ViewsModule, found: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Join the parts' rows; what all parts share is taken once. All become leaves of a graph."""
    joined = {
        name: torch.cat([tensors[name] for tensors in found])
        if name in module.of_items
        else found[0][name]
        for name in found[0]
    }
    return {name: t.detach().requires_grad_() for name, t in joined.items()}


def _carried(
    module: ViewsModule,
    tensors: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor | None],
    *,
    rows: slice,
) -> Tensor:
    """Return the scalar whose gradient is this part's share of the whole batch's gradient."""
    total = torch.zeros(())
    for name, tensor in tensors.items():
        gradient = gradients[name]
        if gradient is None or not tensor.requires_grad:
            continue
        if name in module.of_items:
            total = total.to(tensor.device) + (tensor * gradient[rows]).sum()
        elif rows.start == 0:
            total = total.to(tensor.device) + (tensor * gradient).sum()
    return total


def _loss(
    tensors: Mapping[str, Tensor], batches: Sequence[Batch], *, step: int, task: StageTask
) -> tuple[Tensor, dict[str, float | None]]:
    """Return the loss of the whole step, and what there is to say of it."""
    labels = {
        "concept_B": torch.cat([batch.concept_B for batch in batches]),
        "domain_B": torch.cat([batch.domain_B for batch in batches]),
    }
    loss, terms = total_loss(tensors, stage=task.stage, step=step, **labels)
    _check_finite({"loss": loss}, step=step, task=task)
    said = described(tensors, view=task.recipe.vector.get("image"), step=step, **labels)
    return loss, {"loss": float(loss.detach()), **terms, **said}


def _check_finite(tensors: Mapping[str, Tensor], *, step: int, task: StageTask) -> None:
    wild = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if wild:
        raise TrainingError(
            f"stage '{task.stage.name}', step {step}: {', '.join(wild)} not finite; lower "
            f"optimiser.learning_rate (now {task.stage.optimiser.learning_rate:.2g}) or use float32"
        )
