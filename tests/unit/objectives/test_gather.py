"""Two ranks give the gradients of one rank with the joined batch."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F

from samesense.objectives.build import compute
from samesense.objectives.gather import gather_rows
from samesense.objectives.options import (
    CoherenceOptions,
    InfoNceOptions,
    Loss,
    MultiPositiveOptions,
    PreserveOptions,
)

RANKS = 2
LOSSES: dict[str, Loss] = {
    "multi_positive": MultiPositiveOptions(kind="multi_positive", on={"z": "image"}),
    "coherence": CoherenceOptions(kind="coherence", on={"z": "image"}),
    "preserve": PreserveOptions(kind="preserve", on={"z": "image", "h": "frozen"}),
    "info_nce": InfoNceOptions(
        kind="info_nce",
        on={"query": "image", "candidate": "frozen", "temperature": "temperature"},
    ),
}


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0, 1, 0, 1, 2, 2, 0, 1]), torch.tensor([0, 0, 1, 1, 0, 1, 2, 2])


def gradients(loss: Loss, rows: slice) -> dict[str, torch.Tensor]:
    """Gradients of a linear module and a temperature, averaged over ranks as training does."""
    x, concept, domain = batch()
    torch.manual_seed(3)
    module = torch.nn.Linear(6, 4, dtype=torch.float64)
    temperature = torch.nn.Parameter(torch.tensor(0.3, dtype=torch.float64))
    z = F.normalize(module(x[rows]), dim=1)
    tensors = {
        "image": gather_rows(z),
        "frozen": gather_rows(F.normalize(x[rows][:, :4], dim=1)),
        "temperature": temperature,
    }
    value = compute(
        loss,
        tensors=tensors,
        concept_B=gather_rows(concept[rows]),
        domain_B=gather_rows(domain[rows]),
    )
    value.backward()
    found = {"weight": module.weight.grad, "bias": module.bias.grad, "t": temperature.grad}
    kept = {name: g for name, g in found.items() if g is not None}
    if dist.is_initialized():
        for gradient in kept.values():
            dist.all_reduce(gradient)
            gradient /= RANKS
    return kept


def run_rank(rank: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=RANKS
    )
    rows = slice(rank * 4, rank * 4 + 4)
    found = {name: gradients(loss, rows) for name, loss in LOSSES.items()}
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(run_rank, args=(str(folder),), nprocs=RANKS)
    return [torch.load(folder / f"{rank}.pt") for rank in range(RANKS)]


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_those_of_one_rank(name: str, two_ranks: list[dict]) -> None:
    expected = gradients(LOSSES[name], slice(0, 8))
    assert expected
    for found in two_ranks:
        for parameter, gradient in expected.items():
            assert gradient.abs().max() > 1e-6
            torch.testing.assert_close(found[name][parameter], gradient, rtol=1e-6, atol=1e-9)


def test_alone_the_rows_come_back_as_they_are() -> None:
    x = torch.eye(2)
    assert gather_rows(x) is x
