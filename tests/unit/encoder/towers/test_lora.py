"""LoRA inside a generative tower, on a tiny model of every family."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from samesense.core.errors import ModelError
from samesense.encoder.pools.last_token import LastToken
from samesense.encoder.towers.mllm import MllmTower
from samesense.encoder.towers.options import LoraOptions, MllmTowerOptions, is_adapter
from tests.fixtures.tiny_models import MLLMS, draw_images

ModelFolder = Callable[[str], Path]
IMAGES = draw_images(sizes=[(40, 64), (33, 33)])
every_family = pytest.mark.parametrize("family", MLLMS)


def load(folder: Path, *, lora: dict[str, Any] | None = None, **options: Any) -> MllmTower:
    adapter = None if lora is None else LoraOptions(**{"rank": 4, "alpha": 8, **lora})
    return MllmTower.load(MllmTowerOptions(kind="mllm", model=str(folder), lora=adapter, **options))


def trained(folder: Path, **lora: Any) -> MllmTower:
    """A tower whose adapter adds something, as after training."""
    tower = load(folder, lora=lora)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            if is_adapter(name):
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.1)
    return tower


def embed(tower: MllmTower) -> Tensor:
    with torch.inference_mode():
        return LastToken()(tower(tower.prepare_images(IMAGES)))


def adapted(tower: MllmTower) -> list[str]:
    return [name for name, _ in tower.named_parameters() if is_adapter(name)]


@every_family
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_fresh_adapter_changes_neither_a_bit_nor_the_identity(
    model_folder: ModelFolder, family: str, precision: str
) -> None:
    plain = load(model_folder(family), precision=precision)
    tower = load(model_folder(family), lora={}, precision=precision)
    assert torch.equal(embed(tower), embed(plain))
    assert tower.identity() == tower.identity(adapter=False) == plain.identity()
    kinds = {p.dtype for name, p in tower.named_parameters() if is_adapter(name)}
    assert kinds == {torch.float32}


@every_family
def test_all_linear_layers_of_the_language_model_and_no_others_get_one(
    model_folder: ModelFolder, family: str
) -> None:
    plain, tower = load(model_folder(family)), load(model_folder(family), lora={})
    language = plain.model.get_decoder()
    prefix = next(n for n, m in plain.model.named_modules() if m is language)
    linear = {f"{prefix}.{n}" for n, m in language.named_modules() if isinstance(m, nn.Linear)}
    found = {name.split(".lora_")[0].split("base_model.model.")[1] for name in adapted(tower)}
    assert found == linear
    assert len(linear) == 14


@every_family
def test_without_its_adapter_a_trained_tower_is_the_backbone(
    model_folder: ModelFolder, family: str
) -> None:
    plain, tower = load(model_folder(family)), trained(model_folder(family))
    learning = [p.requires_grad for p in tower.parameters()]
    with_adapter = embed(tower)
    with tower.without_adapter():
        assert torch.equal(embed(tower), embed(plain))
    assert torch.equal(embed(tower), with_adapter)
    assert tower.identity(adapter=False) == plain.identity() != tower.identity()
    assert (with_adapter - embed(plain)).abs().max() > 0.01
    assert [p.requires_grad for p in tower.parameters()] == learning


@every_family
def test_a_saved_adapter_is_pefts_own(
    model_folder: ModelFolder, family: str, tmp_path: Path
) -> None:
    tower = trained(model_folder(family))
    tower.save_adapter(tmp_path, trained=True)
    back = load(model_folder(family), lora={"weights": str(tmp_path)})
    assert torch.equal(embed(back), embed(tower))
    assert back.identity() == tower.identity()

    plain = load(model_folder(family))
    plain.model = PeftModel.from_pretrained(plain.model, tmp_path).get_base_model()
    assert torch.equal(embed(plain), embed(tower))


@every_family
def test_a_merged_tower_is_a_plain_model_with_the_same_vectors(
    model_folder: ModelFolder, family: str, tmp_path: Path
) -> None:
    tower = trained(model_folder(family))
    expected = embed(tower)
    tower.merge_adapter()
    tower.save(tmp_path)
    back = load(tmp_path)
    assert adapted(tower) == []
    assert not list(tmp_path.glob("adapter*"))
    torch.testing.assert_close(embed(back), expected, rtol=0, atol=1e-5)


def test_a_tower_saved_with_an_adapter_leaves_it_behind(
    model_folder: ModelFolder, tmp_path: Path
) -> None:
    trained(model_folder("qwen2_vl")).save(tmp_path)
    assert torch.equal(embed(load(tmp_path)), embed(load(model_folder("qwen2_vl"))))


def test_the_identity_covers_weights_and_scale(model_folder: ModelFolder) -> None:
    first, again = trained(model_folder("idefics3")), trained(model_folder("idefics3"))
    assert again.identity() == first.identity()
    assert trained(model_folder("idefics3"), alpha=16).identity() != first.identity()
    with torch.no_grad():
        dict(again.named_parameters())[adapted(again)[-1]].add_(1e-3)
    assert again.identity() != first.identity()
    assert again.identity(adapter=False) == first.identity(adapter=False)


def test_layers_and_targets_can_be_chosen(model_folder: ModelFolder) -> None:
    names = adapted(load(model_folder("idefics3"), lora={"layers": 1, "targets": ("v_proj",)}))
    assert [name.split("text_model.")[1].split(".lora_")[0] for name in names] == [
        "layers.1.self_attn.v_proj"
    ] * 2


def test_checkpointing_runs_adapted_layers_twice_and_changes_no_gradient(
    model_folder: ModelFolder,
) -> None:
    gradients, runs = [], []
    for checkpointing in (False, True):
        tower = trained(model_folder("qwen2_vl"), gradient_checkpointing=checkpointing)
        layer = tower.model.get_base_model().get_decoder().layers[1]
        calls: list[int] = []
        layer.self_attn.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        for name, parameter in tower.named_parameters():
            parameter.requires_grad_(is_adapter(name))
        layer.train()
        LastToken()(tower(tower.prepare_images(IMAGES))).square().sum().backward()
        gradients.append([p.grad for p in tower.parameters() if p.requires_grad])
        runs.append(len(calls))
    assert runs == [1, 2]
    for one, other in zip(*gradients, strict=True):
        assert one.any()
        assert torch.equal(one, other)


def spoil(folder: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = load_file(folder / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, folder / "adapter_model.safetensors")


def test_an_adapter_that_is_void_after_training_is_refused(
    model_folder: ModelFolder, tmp_path: Path
) -> None:
    fresh = load(model_folder("idefics3"), lora={})
    fresh.save_adapter(tmp_path, trained=False)
    with pytest.raises(ModelError, match="every lora_B is zero after training"):
        fresh.save_adapter(tmp_path, trained=True)


def test_an_empty_tensor_is_refused(model_folder: ModelFolder, tmp_path: Path) -> None:
    tower = trained(model_folder("idefics3"))
    dict(tower.named_parameters())[adapted(tower)[0]].data = torch.empty(0)
    with pytest.raises(ModelError, match=r"lora_A\.weight is empty; its shards were never gath"):
        tower.save_adapter(tmp_path, trained=True)


def test_an_adapter_that_does_not_fit_is_refused(model_folder: ModelFolder, tmp_path: Path) -> None:
    folder = model_folder("idefics3")
    trained(folder).save_adapter(tmp_path, trained=True)
    fits = {"weights": str(tmp_path)}
    with pytest.raises(ModelError, match=r"has rank 4 and alpha 8.*, not 8 and 8"):
        load(folder, lora={**fits, "rank": 8})
    with pytest.raises(ModelError, match="takes no such adapter"):
        load(model_folder("qwen2_vl"), lora=fits)
    spoil(tmp_path, lambda tensors: tensors.pop(sorted(tensors)[0]))
    with pytest.raises(ModelError, match=r"does not fit the model: .*lora_A"):
        load(folder, lora=fits)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "NONE"}))
    with pytest.raises(ModelError, match="holds no LoRA but NONE"):
        load(folder, lora=fits)


@pytest.mark.parametrize(
    ("lora", "said"),
    [
        ({"layers": 3}, "has 2 layers; lora.layers asks for 3"),
        ({"targets": ("query",)}, "takes no such adapter"),
        ({"weights": "nowhere"}, "nowhere: holds no adapter of PEFT"),
    ],
)
def test_an_adapter_that_the_model_has_no_place_for_is_refused(
    model_folder: ModelFolder, lora: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        load(model_folder("idefics3"), lora=lora)
