import time
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from samesense.corpus.rendered.concepts import CONCEPTS
from samesense.corpus.rendered.write import DOMAINS, render_corpus, render_image
from samesense.corpus.scan import scan

Pixels = NDArray[np.float64]


def _pixels(domain: str, concept: str, number: int = 0, seed: int = 0) -> Pixels:
    image = render_image(domain, concept=concept, number=number, side_px=32, seed=seed)
    return np.asarray(image, dtype=np.float64)


@pytest.fixture(scope="module")
def images() -> Mapping[str, Pixels]:
    """Domain → images (N, H, W, 3), three of every concept."""
    return MappingProxyType(
        {d: np.stack([_pixels(d, c, n) for c in CONCEPTS for n in range(3)]) for d in DOMAINS}
    )


def _colourfulness(images_NHW3: Pixels) -> float:
    return float((images_NHW3.max(axis=-1) - images_NHW3.min(axis=-1)).mean())


def _brightness(images_NHW3: Pixels) -> float:
    return float(images_NHW3.mean())


def _flatness(images_NHW3: Pixels) -> float:
    """Share of pixels that equal the one to the right."""
    steps = np.abs(np.diff(images_NHW3, axis=2)).max(axis=-1)
    return float((steps <= 1).mean())


def test_the_corpus_is_a_folder_that_scans(tmp_path: Path) -> None:
    render_corpus(tmp_path, images_per_concept_and_domain=2, side_px=32, seed=0)
    found = scan(str(tmp_path))
    assert not found.rejections
    assert len(found.manifest) == len(DOMAINS) * len(CONCEPTS) * 2
    assert found.manifest.domains == ["cartoon", "painting", "photo", "sketch"]
    assert found.manifest.labels == sorted(CONCEPTS)
    assert len(CONCEPTS) >= 12
    assert set(found.manifest.column("width_px")) == {32}
    assert len(set(found.manifest.column("content_hash"))) == found.listed


def test_a_picture_depends_on_its_own_name_alone(tmp_path: Path) -> None:
    render_corpus(tmp_path / "two", images_per_concept_and_domain=2, side_px=16, seed=5)
    render_corpus(tmp_path / "one", images_per_concept_and_domain=1, side_px=16, seed=5)
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.png")]
    assert len(names) == len(DOMAINS) * len(CONCEPTS)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    alone = render_image("photo", concept="key", number=1, side_px=16, seed=5)
    with Image.open(tmp_path / "two/photo/key/001.png") as written:
        assert written.tobytes() == alone.tobytes()


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_number_and_seed_change_the_picture(domain: str) -> None:
    first = _pixels(domain, "cup")
    np.testing.assert_array_equal(first, _pixels(domain, "cup"))
    for other in (_pixels(domain, "cup", number=1), _pixels(domain, "cup", seed=1)):
        assert np.abs(first - other).mean() > 5


def test_a_sketch_has_no_colour_on_bright_paper(images: Mapping[str, Pixels]) -> None:
    assert _colourfulness(images["sketch"]) < 1
    assert _brightness(images["sketch"]) > 200


def test_a_cartoon_is_flat_and_saturated(images: Mapping[str, Pixels]) -> None:
    flat = {name: _flatness(pixels) for name, pixels in images.items()}
    assert flat["cartoon"] > 1.5 * max(flat[name] for name in flat if name != "cartoon")
    colours = {name: _colourfulness(pixels) for name, pixels in images.items()}
    assert max(colours, key=lambda name: colours[name]) == "cartoon"


def test_a_simple_statistic_tells_every_two_domains_apart(images: Mapping[str, Pixels]) -> None:
    def statistics(pixels_NHW3: Pixels) -> Pixels:
        grain = np.abs(np.diff(pixels_NHW3, axis=2)).mean(axis=(1, 2, 3))
        colour = (pixels_NHW3.max(axis=-1) - pixels_NHW3.min(axis=-1)).mean(axis=(1, 2))
        return np.stack([pixels_NHW3.mean(axis=(1, 2, 3)), grain, colour])

    found = {name: statistics(pixels) for name, pixels in images.items()}
    for a, b in combinations(found, 2):
        gap = np.abs(found[a].mean(axis=1) - found[b].mean(axis=1))
        spread = (found[a].std(axis=1) + found[b].std(axis=1)) / 2
        assert (gap / spread).max() > 1.2, (a, b, gap / spread)


def test_the_demo_is_drawn_in_seconds() -> None:
    started = time.process_time()
    for domain in DOMAINS:
        for concept in CONCEPTS:
            render_image(domain, concept=concept, number=0, side_px=64, seed=0)
    per_image_s = (time.process_time() - started) / (len(DOMAINS) * len(CONCEPTS))
    assert per_image_s * 4 * 12 * 40 < 45  # 8 s on the machine that this was written on
