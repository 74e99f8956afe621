"""What the benchmarks share: a backbone of realistic cost, a model around it, images, a line."""

import argparse
import json
from itertools import product
from pathlib import Path

from samesense.artefact.folder import Artefact, save_artefact
from samesense.corpus.rendered.write import DOMAINS, render_image
from samesense.encoder.build import build_encoder
from samesense.encoder.scratch import build_idefics3
from samesense.encoder.towers.options import Precision
from samesense.recipe.load import load_recipe

DIFFERENT_PICTURES = 192


def arguments(description: str, **numbers: int) -> argparse.Namespace:
    """Read the command line: a backbone, and numbers with their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--backbone",
        help="folder or hub id of an image-text model; by default one of 9 M parameters with "
        "random weights, built on the spot (196 patches, 12 vision and 6 text layers)",
    )
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args()


def realistic_backbone(folder: Path, *, width: int = 192) -> str:
    """Write a model of SmolVLM's architecture, and return its folder.

    Its cost is that of a ViT-Tiny, with a width of 768 that of a ViT-Base.
    """
    build_idefics3(
        folder, words=[], side_px=112, seed=0, width=width, vision_layers=12, text_layers=6
    )
    return str(folder)


def untrained(folder: Path, *, backbone: str, precision: Precision = "float32") -> Artefact:
    """Write the alignment recipe on a backbone as a model, without training it."""
    recipe = load_recipe("alignment").with_block("backbone", model=backbone, precision=precision)
    encoder = build_encoder(recipe)
    return save_artefact(folder, recipe=recipe, encoder=encoder, metrics={}, provenance={})


def write_images(folder: Path, *, count: int, side_px: int) -> str:
    """Write ``domain/class/file`` JPEGs: a few pictures drawn, many files of different bytes."""
    concepts = [f"concept{number}" for number in range(12)]
    cells = list(product(DOMAINS, concepts))
    drawn = {}
    for number in range(count):
        domain, concept = cells[number % len(cells)]
        key = (domain, number // len(cells) % (DIFFERENT_PICTURES // len(cells)))
        if key not in drawn:
            picture = render_image(domain, concept="star", number=key[1], side_px=side_px, seed=0)
            path = folder / "picture.jpg"
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(path, quality=90)
            drawn[key] = path.read_bytes()
            path.unlink()
        place = folder / domain / concept
        place.mkdir(parents=True, exist_ok=True)
        # Bytes after the end of a JPEG change its hash and nothing else.
        (place / f"{number:06d}.jpg").write_bytes(drawn[key] + number.to_bytes(4, "big"))
    return str(folder)


def report(
    name: str, *, ratio: float | None, bar: float | None, **measured: float | int | str | None
) -> None:
    """Print one line of JSON; null stands for what could not be measured."""
    line = {"name": name, "ratio": ratio if ratio is None else round(ratio, 3), "bar": bar}
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in measured.items()}
    print(json.dumps(line | rounded), flush=True)
