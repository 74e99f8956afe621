"""Two ranks give the gradients of one rank with the joined batch."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from samesense.objectives.build import compute
from samesense.objectives.gather import gather_rows
from tests.unit.objectives.every_loss import LOSSES, OF_ITEMS, Played, batch, build

RANKS = 2


def gradients(name: str, rows: slice) -> dict[str, torch.Tensor]:
    """Gradients of all that is learned, averaged over ranks as training does."""
    x, concept, domain = batch()
    played = Played().double()
    tensors = played(x[rows])
    value = compute(
        build(name),
        tensors={n: gather_rows(t) if n in OF_ITEMS else t for n, t in tensors.items()},
        concept_B=gather_rows(concept[rows]),
        domain_B=gather_rows(domain[rows]),
    )
    value.backward()
    kept = {name: p.grad for name, p in played.named_parameters() if p.grad is not None}
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
    found = {name: gradients(name, rows) for name in LOSSES}
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(run_rank, args=(str(folder),), nprocs=RANKS)
    return [torch.load(folder / f"{rank}.pt") for rank in range(RANKS)]


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_those_of_one_rank(name: str, two_ranks: list[dict]) -> None:
    expected = gradients(name, slice(0, 8))
    assert expected
    for found in two_ranks:
        for parameter, gradient in expected.items():
            assert gradient.abs().max() > 1e-7
            torch.testing.assert_close(found[name][parameter], gradient, rtol=1e-6, atol=1e-9)


def test_alone_the_rows_come_back_as_they_are() -> None:
    x = torch.eye(2)
    assert gather_rows(x) is x
