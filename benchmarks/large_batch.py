"""What a batch of thousands costs in memory and time, by cached contrastive.

LoRA in a small MLLM, images decoded and streamed by Ray Data. Memory is the private memory of the
training worker at its peak; time is that of a step, a sample each, without the first step.
"""

import tempfile
from pathlib import Path

import numpy as np
from _memory import PeakMemory
from _setting import arguments, report, write_images
from _training import lora_recipe, train_all

from samesense.cli.cluster import cluster
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.scratch import build_idefics3

MIB = 1 << 20
SMALL = 64


def measure(
    manifest: Manifest, *, backbone: str, items_per_step: int, steps: int, out: Path
) -> tuple[float, float]:
    """Return the worker's peak in MiB and the seconds a sample."""
    recipe = lora_recipe(
        backbone, steps=steps, items_per_step=items_per_step, images_per_forward=SMALL
    )
    with cluster(), PeakMemory(named="RayTrainWorker") as watched:
        lines = train_all(manifest, recipe=recipe, out=out)
    images_per_s = np.median([line["images_per_s"] for line in lines[1:]])
    return watched.peak_bytes / MIB, float(1 / images_per_s)


def compare(place: Path, *, large: int) -> None:
    """Train with a small and with a large batch, the same images at once in memory."""
    build_idefics3(place / "backbone", words=[], side_px=32, seed=0, width=64, vision_layers=2)
    manifest = scan(write_images(place / "images", count=large + large // 8, side_px=48)).manifest
    sizes = {SMALL: 20, large: 3}
    found = {
        items: measure(
            manifest,
            backbone=str(place / "backbone"),
            items_per_step=items,
            steps=steps,
            out=place / f"batch{items}",
        )
        for items, steps in sizes.items()
    }
    (small_mib, small_s), (large_mib, large_s) = found[SMALL], found[large]
    report(
        "large_batch.memory",
        ratio=large_mib / small_mib,
        bar=1.2,
        batch=large,
        peak_mib=large_mib,
        batch_small=SMALL,
        peak_mib_small=small_mib,
    )
    report(
        "large_batch.time",
        ratio=large_s / small_s,
        bar=2.5,
        batch=large,
        images_per_second=1 / large_s,
        batch_small=SMALL,
        images_per_second_small=1 / small_s,
    )


if __name__ == "__main__":
    given = arguments(__doc__ or "", large=4096)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), large=given.large)
