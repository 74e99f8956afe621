"""LoRA and alignment on two ranks, sharded in every way, learn what a plain loop learns."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor

from samesense.encoder.build import build_encoder
from samesense.encoder.encoder import Encoder
from samesense.encoder.towers.options import LoraOptions, is_adapter
from samesense.objectives.gather import gather_rows
from samesense.recipe.load import load_recipe
from samesense.recipe.options import OptimiserOptions
from samesense.training.engine import start_engine
from samesense.training.module import ViewsModule
from samesense.training.options import DeepSpeedOptions
from samesense.training.sources import Source
from samesense.training.state import take_state
from samesense.training.verify import declare_trainable, verify_changed
from samesense.training.weights import hash_parameters
from tests.fixtures.tiny_models import MLLMS, WIDTH, draw_images

pytestmark = pytest.mark.integration
RANKS, ITEMS, STEPS = 2, 8, 4
PATTERNS = (r"backbone\..*lora_.*", r"align\..*")
OPTIMISER = OptimiserOptions(learning_rate=1e-2, weight_decay=0.1)
SOURCE = Source(kind="live", modality="image", prefix=("backbone", "last"), adapter=True)
CASES: dict[str, dict[str, Any]] = {
    "nothing sharded": {"zero_stage": 0},
    "ZeRO-2": {"zero_stage": 2},
    "ZeRO-2 offloaded": {"zero_stage": 2, "offload_optimiser": True},
    "ZeRO-3": {"zero_stage": 3},
    "ZeRO-3 tower in bfloat16": {"zero_stage": 3, "tower": "bfloat16"},
    "ZeRO-2 all in bfloat16": {"zero_stage": 2, "tower": "bfloat16", "precision": "bfloat16"},
    "ZeRO-3 all in bfloat16": {"zero_stage": 3, "tower": "bfloat16", "precision": "bfloat16"},
}
EXACT = [name for name in CASES if "bfloat16" not in name]


def build(backbone: str, *, tower: str = "float32", checkpointing: bool) -> Encoder:
    torch.manual_seed(0)
    lora = LoraOptions(rank=4, alpha=8, gradient_checkpointing=checkpointing)
    recipe = load_recipe("alignment").with_block(
        "backbone", model=backbone, precision=tower, lora=lora
    )
    return build_encoder(recipe)


def distance(z_BD: Tensor) -> Tensor:
    targets = torch.randn(ITEMS, WIDTH, generator=torch.Generator().manual_seed(1))
    return (1 - (z_BD.float() * F.normalize(targets, dim=1)).sum(dim=1)).mean()


def inputs(encoder: Encoder, rows: slice) -> dict[str, Any]:
    images = draw_images(sizes=[(32, 32)] * ITEMS)[rows]
    return {SOURCE.key: encoder.renderer("image").prepare_images(images)}


def learn_sharded(backbone: str, *, tower: str = "float32", **options: Any) -> dict[str, Any]:
    """Train this rank's share of the items; return the weights, whole, and their formats."""
    encoder = build(backbone, tower=tower, checkpointing=True)
    declared = declare_trainable(encoder.blocks, patterns=PATTERNS)
    share = ITEMS // RANKS
    rows = slice(dist.get_rank() * share, (dist.get_rank() + 1) * share)
    stage = options["zero_stage"]
    engine = start_engine(
        ViewsModule(encoder, sources={"image": SOURCE}, concepts={}),
        optimiser=OPTIMISER,
        options=DeepSpeedOptions(**options),
        items_per_forward=share,
        forwards_per_step=1,
    )
    before = hash_parameters(encoder.blocks, zero_stage=stage)
    batch = inputs(encoder, rows)
    for _ in range(STEPS):
        engine.backward(distance(gather_rows(engine(batch)["image"])))
        engine.step()
    after = hash_parameters(encoder.blocks, zero_stage=stage)
    verify_changed(before=before, after=after, declared=declared)
    formats = {
        kind: {p.dtype for p in encoder.blocks.parameters() if p.requires_grad is learns}
        for kind, learns in (("learning", True), ("frozen", False))
    }
    parameters = dict(encoder.blocks.named_parameters())
    state = take_state(engine, {name: parameters[name] for name in declared}, zero_stage=stage)
    return {"weights": state.weights, "formats": formats}


def run_rank(rank: int, folder: str, backbone: str) -> None:
    os.environ["LOCAL_RANK"] = str(rank)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=RANKS
    )
    found = {name: learn_sharded(backbone, **options) for name, options in CASES.items()}
    if rank == 0:
        torch.save(found, Path(folder) / "found.pt")
    dist.destroy_process_group()


def learn_plainly(backbone: str) -> dict[str, Tensor]:
    """Train all items in one process with torch alone."""
    encoder = build(backbone, checkpointing=False)
    declared = declare_trainable(encoder.blocks, patterns=PATTERNS)
    learning = dict(encoder.blocks.named_parameters())
    groups = [
        {"params": [learning[n] for n in declared if learning[n].dim() >= 2], "weight_decay": 0.1},
        {"params": [learning[n] for n in declared if learning[n].dim() < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=OPTIMISER.learning_rate)
    module = ViewsModule(encoder, sources={"image": SOURCE}, concepts={})
    batch = inputs(encoder, slice(0, ITEMS))
    for _ in range(STEPS):
        optimiser.zero_grad()
        distance(module(batch)["image"]).backward()
        torch.nn.utils.clip_grad_norm_([learning[n] for n in declared], OPTIMISER.gradient_clip)
        optimiser.step()
    return {name: learning[name].detach() for name in declared}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("backbone")
    MLLMS["idefics3"](folder)
    return str(folder)


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory, backbone: str) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    # One process reads the libraries, and the ranks are its children.
    multiprocessing.set_forkserver_preload(["deepspeed", __name__])
    mp.start_processes(
        run_rank, args=(str(folder), backbone), nprocs=RANKS, start_method="forkserver"
    )
    found: dict[str, dict[str, Any]] = torch.load(folder / "found.pt")
    return found


@pytest.fixture(scope="module")
def plain(backbone: str) -> dict[str, Tensor]:
    return learn_plainly(backbone)


@pytest.mark.parametrize("case", CASES)
def test_two_ranks_learn_what_a_plain_loop_learns(
    case: str, sharded: dict[str, dict[str, Any]], plain: dict[str, Tensor]
) -> None:
    weights = sharded[case]["weights"]
    assert weights.keys() == plain.keys()
    assert sum(is_adapter(name) for name in weights) == 28
    for name, expected in plain.items():
        if case in EXACT:
            torch.testing.assert_close(weights[name], expected, rtol=0, atol=2e-4)
        elif "lora_B" in name:
            moved, should = weights[name].float().flatten(), expected.flatten()
            assert F.cosine_similarity(moved, should, dim=0) > 0.7
            assert float(moved.norm()) == pytest.approx(float(should.norm()), rel=0.1)


@pytest.mark.parametrize("case", CASES)
def test_each_tower_keeps_its_format_and_what_learns_has_deepspeeds(
    case: str, sharded: dict[str, dict[str, Any]]
) -> None:
    asked = CASES[case]
    assert sharded[case]["formats"] == {
        "frozen": {getattr(torch, asked.get("tower", "float32"))},
        "learning": {getattr(torch, asked.get("precision", "float32"))},
    }
