"""What the platform makes of a GPU, against plain loops of transformers and PEFT.

A Qwen2-VL with the sizes of the 2B model and random weights, in bfloat16: images/s, the share of
the card's peak FLOP/s (model FLOPs utilisation, MFU) and peak memory, in embedding and in LoRA
training. The plain loops have their images decoded and rendered beforehand; the platform reads JPEG
files. FLOPs are those of the plain loop, counted in one step. Without a GPU one line says so.
"""

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _plain import WARM_UP, Inputs, Measured, free_gpu, measure, plain_encode, plain_learn
from _qwen import TINY, TWO_BILLION, build_qwen2_vl
from _setting import report, untrained, write_images
from _training import lora_recipe, train_all, without_teacher
from PIL import Image

from samesense.artefact.folder import Artefact
from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.cli.cluster import cluster
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.encoder.encoder import Encoder
from samesense.encoder.towers.options import LoraOptions
from samesense.training.options import DeepSpeedOptions

DENSE_BF16_TFLOPS = {
    "B200": 2250.0,
    "H200 NVL": 835.0,
    "H200": 989.0,
    "H100 NVL": 835.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "A10G": 70.0,
    "A10": 125.0,
    "L40S": 362.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}
"""Part of a card's name → peak of its tensor cores without sparsity; the first that fits counts."""
DIFFERENT_BATCHES = 4
ADAPTERS = r"backbone\..*lora_.*"


class Setting:
    """A model, images and a card."""

    def __init__(self, place: Path, given: argparse.Namespace) -> None:
        """Build the model and draw the images."""
        self.place = place
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.batch, self.steps, self.renderers = given.batch, given.steps, given.renderers
        self.card = torch.cuda.get_device_name() if self.device == "cuda" else "none"
        self.peak_tflops: float | None = given.peak_tflops or _peak_tflops(self.card)
        sizes = TINY if given.tiny else TWO_BILLION
        self.backbone = build_qwen2_vl(place / "backbone", sizes=sizes, device=self.device)
        free_gpu()
        images = write_images(place / "images", count=given.images, side_px=given.side_px)
        self.manifest: Manifest = scan(images).manifest

    def compare(self, name: str, ours: Measured, plain: Measured) -> None:
        """Print a line of speed, and a line of memory."""
        report(
            f"gpu.{name}",
            ratio=ours.images_per_s / plain.images_per_s,
            bar=0.9,
            card=self.card,
            batch=self.batch,
            images_per_second=ours.images_per_s,
            images_per_second_plain=plain.images_per_s,
            mfu=self._mfu(ours),
            mfu_plain=self._mfu(plain),
            gflop_an_image=plain.flops_an_image / 1e9,
            peak_tflops=self.peak_tflops,
        )
        if ours.peak_mib is not None and plain.peak_mib is not None:
            report(
                f"gpu.{name}_memory",
                ratio=ours.peak_mib / plain.peak_mib,
                bar=1.1,
                card=self.card,
                batch=self.batch,
                peak_mib=ours.peak_mib,
                peak_mib_plain=plain.peak_mib,
            )

    def _mfu(self, measured: Measured) -> float | None:
        if self.peak_tflops is None:
            return None
        return measured.images_per_s * measured.flops_an_image / (self.peak_tflops * 1e12)


def _peak_tflops(card: str) -> float | None:
    return next((peak for part, peak in DENSE_BF16_TFLOPS.items() if part in card), None)


def rendered(setting: Setting, encoder: Encoder) -> list[Inputs]:
    """Return a few batches of the corpus as the tower takes them."""
    uris = list(setting.manifest.column("uri"))[: DIFFERENT_BATCHES * setting.batch]
    pictures = [Image.open(uri).convert("RGB") for uri in uris]
    prepare = encoder.renderer("image").prepare_images
    starts = range(0, len(pictures), setting.batch)
    return [prepare(pictures[start : start + setting.batch]) for start in starts]


def encode(setting: Setting, artefact: Artefact) -> tuple[list[Inputs], Measured]:
    """Compare the encoder on rendered inputs; return these, and what the plain loop cost."""
    encoder = artefact.encoder()
    batches = rendered(setting, encoder)
    run = partial(measure, batches=batches, rounds=setting.steps, device=setting.device)
    plain = run(plain_encode(setting.backbone, device=setting.device))
    free_gpu()
    encoder = encoder.to(setting.device)
    view = encoder.options.vector["image"]

    @torch.inference_mode()
    def forward(inputs: Inputs) -> torch.Tensor:
        return encoder.tower_vectors(view, inputs=inputs).cpu()

    setting.compare("encode", run(forward), plain)
    return batches, plain


def embed(setting: Setting, artefact: Artefact, plain: Measured) -> None:
    """Compare bulk embedding, from JPEG files to cached vectors.

    The rate is that of the parts which the running tower writes into the cache, a batch each:
    start-up is left out.
    """
    with cluster():
        filled = fill_image_vectors(
            setting.manifest,
            model=artefact.folder,
            cache_root=setting.place / "cache",
            limits=DecodeLimits(),
            options=EncodeOptions(
                images_per_forward=setting.batch, renderers_per_actor=setting.renderers
            ),
        )
    written = sorted(part.stat().st_mtime for part in filled.cache.folder.glob("[!.]*.parquet"))
    seconds = np.diff(written[WARM_UP:])
    ours = Measured(
        images_per_s=setting.batch / float(seconds.mean()),
        flops_an_image=plain.flops_an_image,
        peak_mib=None,
    )
    setting.compare("embed", ours, plain)


def learn(setting: Setting, batches: list[Inputs]) -> None:
    """Compare LoRA training through Ray Train, Ray Data and DeepSpeed; the first steps left out."""
    lora = LoraOptions()
    step = plain_learn(setting.backbone, device=setting.device, lora=lora)
    plain = measure(step, batches, rounds=setting.steps, device=setting.device)
    del step
    free_gpu()
    steps = WARM_UP + setting.steps
    recipe = lora_recipe(
        setting.backbone, steps=steps, items_per_step=setting.batch, trainable=(ADAPTERS,)
    )
    recipe = without_teacher(recipe).with_block("backbone", precision="bfloat16", lora=lora)
    with cluster():
        lines = train_all(
            setting.manifest,
            recipe=recipe,
            out=setting.place / "run",
            deepspeed=DeepSpeedOptions(precision="bfloat16"),
        )
    taken = lines[-1]["elapsed_s"] - lines[WARM_UP - 1]["elapsed_s"]
    ours = Measured(
        images_per_s=setting.steps * setting.batch / taken,
        flops_an_image=plain.flops_an_image,
        peak_mib=lines[-1].get("gpu_memory_mib"),
    )
    setting.compare("train", ours, plain)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4096, help="how many files are embedded")
    parser.add_argument("--side-px", type=int, default=224, help="side of each image")
    parser.add_argument("--batch", type=int, default=32, help="images of a forward or a step")
    parser.add_argument("--steps", type=int, default=40, help="forwards or steps that are timed")
    parser.add_argument(
        "--renderers",
        type=int,
        default=max(1, (os.cpu_count() or 1) - 2),
        help="processes that decode and render for the tower",
    )
    parser.add_argument("--peak-tflops", type=float, help="of the card, dense in bfloat16")
    parser.add_argument(
        "--tiny",
        action="store_true",
        help="a tiny model, on the CPU too, to try the script out; with few --images and --steps",
    )
    given = parser.parse_args()
    if given.images < (fewest := (WARM_UP + 2) * given.batch):
        parser.error(f"--images must be at least {fewest}: the first batches are not timed")
    return given


def main() -> None:
    """Measure, or say why not."""
    given = read_arguments()
    if not torch.cuda.is_available() and not given.tiny:
        report("gpu", ratio=None, bar=None, reason="not measured: there is no GPU")
        return
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), given)
        model = Path(folder) / "model"
        artefact = untrained(model, backbone=setting.backbone, precision="bfloat16")
        batches, plain = encode(setting, artefact)
        free_gpu()
        embed(setting, artefact, plain)
        learn(setting, batches)


if __name__ == "__main__":
    main()
