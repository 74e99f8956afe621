"""Write the drawn corpus as a folder ``domain/class/file``."""

import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image

from samesense.core.progress import track
from samesense.corpus.rendered import cartoon, painting, photo, sketch
from samesense.corpus.rendered.concepts import CONCEPTS
from samesense.corpus.rendered.scene import compose

DOMAINS: MappingProxyType[str, Callable[..., Image.Image]] = MappingProxyType(
    {"cartoon": cartoon.draw, "painting": painting.draw, "photo": photo.draw, "sketch": sketch.draw}
)
SUPERSAMPLING = 2


def render_corpus(
    folder: Path, *, images_per_concept_and_domain: int, side_px: int, seed: int
) -> None:
    """Draw every concept in every domain. The same arguments give the same pictures."""
    cells = list(product(DOMAINS, CONCEPTS, range(images_per_concept_and_domain)))
    for domain, concept, number in track(cells, total=len(cells), what="draw images"):
        place = folder / domain / concept
        place.mkdir(parents=True, exist_ok=True)
        picture = render_image(domain, concept=concept, number=number, side_px=side_px, seed=seed)
        picture.save(place / f"{number:03d}.png")


def render_image(domain: str, *, concept: str, number: int, side_px: int, seed: int) -> Image.Image:
    """Draw one picture; it depends on nothing but the arguments."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{domain}/{concept}".encode()), number])
    scene = compose(CONCEPTS[concept], side_px=side_px * SUPERSAMPLING, rng=rng)
    large = DOMAINS[domain](scene, rng=rng)
    return large.resize((side_px, side_px), Image.Resampling.LANCZOS)
