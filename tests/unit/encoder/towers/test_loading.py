"""Models that do not load: what a user is told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from samesense.core.errors import ModelError
from samesense.encoder.towers.mllm import MllmTower
from samesense.encoder.towers.options import MllmTowerOptions

ModelFolder = Callable[[str], Path]


def load(folder: Path) -> MllmTower:
    return MllmTower.load(MllmTowerOptions(kind="mllm", model=str(folder)))


def break_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "unheard_of"}))


def drop_layer(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    (folder / "config.json").write_text(json.dumps(config))


def cut_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"torn")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (break_config, "unheard_of"),
        (drop_layer, "weights are missing"),
        (cut_weights, "does not load"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
    ],
    ids=["architecture", "missing weights", "torn weights", "no config", "no weights"],
)
def test_a_broken_folder_is_named_with_its_fault(
    model_folder: ModelFolder, tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    shutil.copytree(model_folder("idefics3"), tmp_path, dirs_exist_ok=True)
    harm(tmp_path)
    with pytest.raises(ModelError, match=words) as raised:
        load(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_a_missing_folder_is_answered_with_the_nearest_one(model_folder: ModelFolder) -> None:
    folder = model_folder("idefics3")
    with pytest.raises(ModelError, match=f"no such folder. Did you mean '{folder.name}'"):
        load(folder.parent / folder.name.replace("idefics", "idefix"))


def test_an_unreachable_hub_id_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/nothing: is not a folder here, and the model hub"):
        load(Path("nobody/nothing"))


def test_a_clip_is_sent_to_its_own_kind_of_tower(model_folder: ModelFolder) -> None:
    with pytest.raises(ModelError, match="towers of kind 'clip'"):
        load(model_folder("clip"))
