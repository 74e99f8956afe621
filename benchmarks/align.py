"""What each alignment module costs: parameters, and milliseconds an image beside its tower.

The ratio is the module's time over that of the tower which gives the vector, an image each, with
the library's default sizes.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _setting import arguments, realistic_backbone, report
from PIL import Image

from samesense.artefact.folder import unaligned
from samesense.encoder.build import build_aligner, build_encoder
from samesense.encoder.encoder import Encoder
from samesense.encoder.options import EncoderOptions

KINDS = ("identity", "linear", "mlp", "residual", "gated", "experts", "query")
ROUNDS = 5
BAR = 0.05


def aligner(kind: str, backbone: EncoderOptions, *, width: int) -> Encoder:
    """Build one module behind the pool that it takes."""
    pool = "last_tokens" if kind == "query" else "last_token"
    options = EncoderOptions.model_validate(
        {
            "blocks": {
                "backbone": backbone.blocks["backbone"],
                "pool": {"kind": pool},
                "align": {"kind": kind},
            },
            "views": {"image": {"input": "image", "blocks": ["backbone", "pool", "align"]}},
            "vector": {"image": "image"},
        }
    )
    return build_aligner(options, tower_widths={"backbone": width})


def seconds(call: Callable[[], Any]) -> float:
    """Return the median time of a call, after one that warms up."""
    call()
    taken = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        call()
        taken.append(time.monotonic() - started)
    return float(np.median(taken))


@torch.inference_mode()
def compare(folder: Path, *, images: int, backbone: str | None) -> None:
    """Time the tower once and every module on rows of its width."""
    options = unaligned(backbone or realistic_backbone(folder))
    encoder = build_encoder(options)
    width = encoder.tower_widths["backbone"]
    inputs = encoder.renderer("image").prepare_images([Image.new("RGB", (224, 224))] * images)
    tower_s = seconds(lambda: encoder.tower_vectors("image", inputs=inputs))
    for kind in KINDS:
        module = aligner(kind, options, width=width)
        states = 4 if kind == "query" else 1
        h_BD = torch.randn(images, states * width)
        module_s = seconds(lambda m=module, h=h_BD: m.after_tower("image", h_BD=h))
        report(
            f"align.{kind}",
            ratio=module_s / tower_s,
            bar=BAR,
            width=width,
            parameters=sum(p.numel() for p in module.parameters()),
            ms_an_image=1e3 * module_s / images,
            ms_an_image_of_the_tower=1e3 * tower_s / images,
        )


if __name__ == "__main__":
    given = arguments(__doc__ or "", images=32)
    with tempfile.TemporaryDirectory() as place:
        compare(Path(place), images=given.images, backbone=given.backbone)
