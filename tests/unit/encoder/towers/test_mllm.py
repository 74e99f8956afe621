"""Every family of generative image-text models, on a tiny model of its real architecture."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import (
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)
from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.render.mllm import LONGEST_TEXT_TOKENS, MllmRenderer
from samesense.encoder.towers.mllm import MllmTower
from samesense.encoder.towers.options import MllmTowerOptions
from tests.fixtures.tiny_models import MLLMS, WIDTH, draw_images

ModelFolder = Callable[[str], Path]
ONE_WORD = "Summary above image in one word:"
SIZES = [(40, 64), (64, 40), (90, 50), (33, 33), (120, 40)]
TEXTS = ["dog", "a much longer text about a guitar", "house"]
NEAR = {"rtol": 0, "atol": 1e-5}
PACKED = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]
every_family = pytest.mark.parametrize("family", MLLMS)


def load(folder: Path, **options: Any) -> MllmTower:
    return MllmTower.load(MllmTowerOptions(kind="mllm", model=str(folder), **options))


@torch.inference_mode()
def embed(tower: MllmTower, items: list[Any]) -> Tensor:
    is_text = isinstance(items[0], str)
    inputs = tower.prepare_texts(items) if is_text else tower.prepare_images(items)
    return LastToken()(tower(inputs))


@every_family
@pytest.mark.parametrize("items", [draw_images(sizes=SIZES), TEXTS], ids=["images", "texts"])
def test_a_vector_depends_on_its_item_alone(
    model_folder: ModelFolder, family: str, items: list[Any]
) -> None:
    tower = load(model_folder(family))
    together = embed(tower, items)
    alone = torch.cat([embed(tower, [item]) for item in items])
    turned = embed(tower, items[::-1]).flip(0)
    assert together.shape == (len(items), WIDTH) == (len(items), tower.width)
    torch.testing.assert_close(together, alone, **NEAR)
    torch.testing.assert_close(together, turned, **NEAR)
    assert torch.pdist(together).min() > 0.1


@every_family
def test_padding_is_on_the_left(model_folder: ModelFolder, family: str) -> None:
    mask = load(model_folder(family)).prepare_texts(TEXTS)["attention_mask"]
    assert mask[:, -1].all()
    assert mask[:, 0].tolist() == [0, 1, 0]


@every_family
def test_the_vector_is_the_plain_models_last_hidden_state(
    model_folder: ModelFolder, family: str
) -> None:
    folder, images = model_folder(family), draw_images(sizes=SIZES)
    plain = AutoModelForImageTextToText.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = [
            plain(**inputs, output_hidden_states=True).hidden_states[-1][0, -1]
            for inputs in (plain_inputs(folder, family, image) for image in images)
        ]
    found = embed(load(folder, prompt="one_word"), images)
    torch.testing.assert_close(found, torch.stack(expected), **NEAR)


def plain_inputs(folder: Path, family: str, image: Image.Image) -> dict[str, Tensor]:
    """One image the family's ordinary way, written out where that way needs video parts."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    content = [{"type": "image"}, {"type": "text", "text": ONE_WORD}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    if family in ("idefics3", "llava_next"):
        return AutoProcessor.from_pretrained(folder)(images=[image], text=text, return_tensors="pt")
    pictures = AutoImageProcessor.from_pretrained(folder, backend="pil")
    if family == "smolvlm":
        pixels = pictures([[image]], return_row_col_info=True, return_tensors="pt")
        rows, columns = pixels.pop("rows")[0][0], pixels.pop("cols")[0][0]
        names = ("<fake_token_around_image>", "<image>", "<global-img>")
        text = text.replace("<image>", get_image_prompt_string(rows, columns, 4, *names))
        return {**tokenizer(text, return_tensors="pt"), **pixels}
    pixels = pictures([image], return_tensors="pt")
    count = int(pixels["image_grid_thw"].prod()) // 4
    tokens = tokenizer(text.replace("<|image_pad|>", "<|image_pad|>" * count), return_tensors="pt")
    is_image = tokens["input_ids"] == tokenizer.convert_tokens_to_ids("<|image_pad|>")
    return {**tokens, **pixels, "mm_token_type_ids": is_image.long()}


@every_family
def test_the_language_model_head_is_never_computed(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family))
    calls = []
    tower.model.get_output_embeddings().register_forward_hook(lambda *_: calls.append(1))
    embed(tower, draw_images(sizes=SIZES[:1]))
    embed(tower, TEXTS)
    assert calls == []


@every_family
def test_every_prompt_gives_another_vector(model_folder: ModelFolder, family: str) -> None:
    image = draw_images(sizes=SIZES[:1])
    prompts = ("none", "represent", "one_word", "semantic", "style")
    towers = [load(model_folder(family), prompt=prompt) for prompt in prompts]
    assert torch.pdist(torch.cat([embed(tower, image) for tower in towers])).min() > 0.01
    assert torch.pdist(torch.cat([embed(tower, TEXTS[:1]) for tower in towers[1:]])).min() > 0.01


@every_family
def test_a_saved_tower_loads_with_the_same_vectors_and_identity(
    model_folder: ModelFolder, family: str, tmp_path: Path
) -> None:
    tower, images = load(model_folder(family)), draw_images(sizes=SIZES)
    tower.save(tmp_path)
    again = load(tmp_path)
    assert torch.equal(embed(again, images), embed(tower, images))
    assert torch.equal(embed(again, TEXTS), embed(tower, TEXTS))
    assert again.identity() == tower.identity()


@every_family
def test_a_renderer_prepares_alone_in_another_process(
    model_folder: ModelFolder, family: str
) -> None:
    tower, images = load(model_folder(family)), draw_images(sizes=SIZES)
    tower.prepare_images(images[:1])
    sent = pickle.loads(pickle.dumps(tower.renderer))
    expected = tower.prepare_images(images)
    found = sent.prepare_images(images)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@every_family
def test_half_precision_does_not_feel_padding(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family), precision="bfloat16")
    texts = ["dog", "a much longer text about a guitar " * 5, "house"]
    together = embed(tower, texts)
    alone = torch.cat([embed(tower, [text]) for text in texts])
    assert together.dtype == torch.bfloat16
    cosines = torch.cosine_similarity(together.double(), alone.double())
    assert cosines.min() > 1 - 2e-5  # positions counted from the padding give 3e-5 to 2e-4


@every_family
def test_pictures_of_any_shape_are_taken(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family))
    images = draw_images(sizes=[(1, 1), (3, 3), (1, 3), (4, 2), (1, 300), (900, 2)])
    assert embed(tower, images).isfinite().all()


@every_family
def test_control_tokens_in_a_text_are_only_words(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family))
    sly = "a dog <image> <|image_pad|> <|im_end|> </s>"
    ids = tower.prepare_texts([sly])["input_ids"][0].tolist()
    plain = tower.prepare_texts(["dog"])["input_ids"][0].tolist()
    control = set(tower.renderer.tokenizer.get_added_vocab().values())
    assert [i for i in ids if i in control] == [i for i in plain if i in control]


@every_family
def test_a_long_text_is_cut_and_keeps_its_prompt(model_folder: ModelFolder, family: str) -> None:
    tower = load(model_folder(family))
    long = tower.prepare_texts(["x" * 5000])["input_ids"][0]
    empty = tower.prepare_texts([""])["input_ids"][0]
    assert len(long) == LONGEST_TEXT_TOKENS + len(empty)
    assert torch.equal(long[-20:], empty[-20:])


@pytest.mark.parametrize(("family", "bound_px"), [*((f, 48) for f in PACKED), ("idefics3", 32)])
def test_a_pixel_bound_bounds_the_image_tokens(
    model_folder: ModelFolder, family: str, bound_px: int
) -> None:
    image = draw_images(sizes=[(96, 80)])
    free = load(model_folder(family))
    bound = load(model_folder(family), longest_side_px=bound_px)
    length = [tower.prepare_images(image)["input_ids"].shape[1] for tower in (free, bound)]
    assert length[1] < length[0]
    assert embed(bound, image).isfinite().all()
    assert bound.identity() != free.identity()


def test_the_identity_tells_weights_prompt_and_pixels_apart(
    model_folder: ModelFolder, tmp_path: Path
) -> None:
    folder = model_folder("idefics3")
    identity = load(folder).identity()
    shutil.copytree(folder, tmp_path / "copy")
    assert load(tmp_path / "copy").identity() == identity

    assert load(folder, prompt="style").identity() != identity
    assert load(folder, precision="bfloat16").identity() != identity
    settings = json.loads((tmp_path / "copy" / "processor_config.json").read_text())
    settings["image_processor"]["image_mean"] = [0.4, 0.4, 0.4]
    (tmp_path / "copy" / "processor_config.json").write_text(json.dumps(settings))
    assert load(tmp_path / "copy").identity() != identity

    changed = load(folder)
    with torch.no_grad():
        changed.model.get_input_embeddings().weight[5, 3] += 1e-3
    assert changed.weights_hash() != identity["weights"]


def test_the_image_processor_is_the_pillow_one_everywhere(model_folder: ModelFolder) -> None:
    renderers = [
        MllmRenderer.load(MllmTowerOptions(kind="mllm", model=str(model_folder(family))))
        for family in MLLMS
    ]
    assert {renderer.image_processor.backend for renderer in renderers} == {"pil"}


def test_without_a_chat_template_the_prompt_follows_the_image(
    model_folder: ModelFolder, tmp_path: Path
) -> None:
    shutil.copytree(model_folder("idefics3"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "chat_template.jinja").unlink()
    tower = load(tmp_path, prompt="one_word")
    ids = tower.prepare_images(draw_images(sizes=[(32, 32)]))["input_ids"][0]
    assert tower.renderer.tokenizer.decode(ids).endswith(
        "<fake_token_around_image>\nSummary above image in one word:"
    )
    ids = tower.prepare_texts(["a dog"])["input_ids"][0]
    assert tower.renderer.tokenizer.decode(ids) == "a dog\nSummary above sentence in one word:"


def test_an_instruction_takes_the_system_turn_where_there_is_one(
    model_folder: ModelFolder,
) -> None:
    forms = {
        family: load(model_folder(family), prompt="represent").renderer.image_form
        for family in ("qwen3_vl", "llava_next")
    }
    assert forms["qwen3_vl"].startswith("<|im_start|>system\nRepresent the user's input.<|im_end|>")
    assert forms["llava_next"] == "<s>[INST] <image>\nRepresent the user's input. [/INST]"


def test_a_real_small_model_gives_the_plain_models_vectors(tiny_idefics3: Path) -> None:
    images = draw_images(sizes=[(227, 227), (300, 200)])
    plain = AutoModelForImageTextToText.from_pretrained(tiny_idefics3, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(tiny_idefics3)
    texts = [f"<image>\n{ONE_WORD}"] * len(images)
    inputs = processor(images=[[image] for image in images], text=texts, return_tensors="pt")
    with torch.inference_mode():
        expected = plain(**inputs, output_hidden_states=True).hidden_states[-1][:, -1]
    torch.testing.assert_close(
        embed(load(tiny_idefics3, prompt="one_word"), images), expected, **NEAR
    )
