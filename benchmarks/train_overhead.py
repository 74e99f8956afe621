"""What Ray Train, Ray Data and DeepSpeed add to a LoRA step, beside a bare PyTorch loop.

The same model, batch size, threads, losses and optimiser; the bare loop has its images decoded and
rendered beforehand. Steps are compared by their median, without the first ones. The bare loop takes
half of its steps before the platform's and half after, so that a machine which gets busier or
quieter meanwhile favours neither.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _setting import arguments, realistic_backbone, report, write_images
from _training import lora_recipe, train_all, without_teacher

from samesense.cli.cluster import cluster
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.build import build_encoder, build_skeleton
from samesense.recipe.options import Recipe, StageOptions
from samesense.training.feed import prepare_batch
from samesense.training.module import ViewsModule, total_loss
from samesense.training.options import WorkersOptions
from samesense.training.sources import stage_views, view_source
from samesense.training.task import as_items
from samesense.training.verify import declare_trainable

WARM_UP = 3
BATCH = 12


def bare_steps_s(manifest: Manifest, *, recipe: Recipe, steps: int, threads: int) -> list[float]:
    """Return the seconds of each step in plain PyTorch, without the first ones."""
    torch.set_num_threads(threads)
    stage = recipe.stages[0]
    assert isinstance(stage, StageOptions)
    names = [name for name, _ in build_skeleton(recipe).blocks.named_parameters()]
    views = stage_views(recipe, stage=stage)
    sources = {v: view_source(recipe, stage=stage, view=v, parameters=names) for v in views}
    encoder = build_encoder(recipe)
    declare_trainable(encoder.blocks, patterns=stage.trainable)
    module = ViewsModule(encoder, sources=sources, concepts={})
    learning = [p for p in encoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=stage.optimiser.learning_rate)
    items = as_items(manifest, concepts=manifest.labels, vectors={})
    taken = []
    for step in range(steps):
        batch = prepare_batch(
            np.arange(step * BATCH, (step + 1) * BATCH) % len(manifest),
            items=items,
            sources=tuple(sources.values()),
            towers=recipe.towers(),
            limits=DecodeLimits(),
        )
        started = time.perf_counter()
        loss, _ = total_loss(
            module(batch.inputs),
            concept_B=batch.concept_B,
            domain_B=batch.domain_B,
            stage=stage,
            step=step,
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, stage.optimiser.gradient_clip)
        optimiser.step()
        taken.append(time.perf_counter() - started)
    return taken[WARM_UP:]


def compare(place: Path, *, steps: int, threads: int, backbone: str | None) -> None:
    """Take the same steps through the platform and without it."""
    manifest = scan(write_images(place / "images", count=480, side_px=224)).manifest
    manifest = manifest.take(np.random.default_rng(0).permutation(len(manifest)))
    model = backbone or realistic_backbone(place / "backbone")
    recipe = without_teacher(lora_recipe(model, steps=steps, items_per_step=BATCH))
    half = {"steps": WARM_UP + steps // 2, "threads": threads}
    bare_s = bare_steps_s(manifest, recipe=recipe, **half)
    workers = WorkersOptions(threads_per_worker=threads)
    with cluster():
        lines = train_all(manifest, recipe=recipe, out=place / "run", workers=workers)[WARM_UP:]
    bare_s += bare_steps_s(manifest, recipe=recipe, **half)
    ends = [line["elapsed_s"] for line in lines]
    ours = float(np.median(np.diff(ends)))
    bare = float(np.median(bare_s))
    waits = float(np.median([line["data_wait_share"] for line in lines]))
    report(
        "train_overhead.step",
        ratio=ours / bare,
        bar=1.1,
        batch=BATCH,
        seconds_a_step=ours,
        seconds_a_step_bare=bare,
    )
    report("train_overhead.data_wait", ratio=waits, bar=0.05, batch=BATCH)


if __name__ == "__main__":
    given = arguments(__doc__ or "", steps=40, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), steps=given.steps, threads=given.threads, backbone=given.backbone)
