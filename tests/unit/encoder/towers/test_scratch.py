"""The image-text model that is built from nothing."""

from pathlib import Path

import pytest

from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.scratch import build_idefics3
from samesense.encoder.towers.mllm import MllmTower
from samesense.encoder.towers.options import MllmTowerOptions
from tests.fixtures.tiny_models import draw_images

WORDS = ["teapot", "bicycle", "owl"]


def build(folder: Path, *, seed: int = 0) -> MllmTower:
    build_idefics3(folder, words=WORDS, side_px=64, seed=seed)
    return MllmTower.load(MllmTowerOptions(kind="mllm", model=str(folder)))


def test_the_seed_alone_decides_the_weights(tmp_path: Path) -> None:
    first, again, other = (
        build(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first.identity() == again.identity()
    assert first.weights_hash() != other.weights_hash()


def test_it_is_small_and_knows_its_words(tmp_path: Path) -> None:
    tower = build(tmp_path)
    tokenizer = tower.renderer.tokenizer
    assert 0.4e6 < sum(weight.numel() for weight in tower.parameters()) < 1e6
    assert [len(tokenizer(word)["input_ids"]) for word in WORDS] == [1, 1, 1]
    assert tokenizer.decode(tokenizer("Ünknown")["input_ids"]) == "Ünknown"
    ids = tower.prepare_images(draw_images(sizes=[(64, 64)]))["input_ids"]
    assert (ids == tokenizer.convert_tokens_to_ids("<image>")).sum() == 16


def test_images_of_any_size_fill_the_same_square(tmp_path: Path) -> None:
    tower = build(tmp_path)
    inputs = tower.prepare_images(draw_images(sizes=[(96, 96), (30, 200)]))
    assert inputs["pixel_values"].shape == (2, 1, 3, 64, 64)


def test_every_weight_of_the_image_path_learns(tmp_path: Path) -> None:
    tower = build(tmp_path)
    LastToken()(tower(tower.prepare_images(draw_images(sizes=[(64, 64)])))).sum().backward()
    without = [name for name, weight in tower.named_parameters() if weight.grad is None]
    assert without == []


def test_a_side_that_does_not_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        build_idefics3(tmp_path, words=WORDS, side_px=60, seed=0)
