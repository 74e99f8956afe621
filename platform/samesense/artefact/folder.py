"""The artefact folder: written whole or not at all, read back to the same vectors.

artefact.json        format, fingerprints, metrics, provenance
recipe.yaml          the recipe, with every choice spelled out
weights.safetensors  weights of all blocks but the towers
towers/NAME/         a tower that training changed, in the Hugging Face layout
adapters/NAME/       a tower's LoRA adapter, in PEFT's layout
README.md            the model card
"""

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from samesense.artefact.card import model_card, with_section
from samesense.core.errors import ArtefactError, did_you_mean
from samesense.core.options import Options
from samesense.core.storage import write_text_atomically
from samesense.encoder.align.options import IdentityOptions
from samesense.encoder.build import build_aligner, build_encoder
from samesense.encoder.encoder import Encoder
from samesense.encoder.options import EncoderOptions
from samesense.encoder.pools.options import LastTokenOptions
from samesense.encoder.towers.options import ClipTowerOptions, MllmTowerOptions, PromptName
from samesense.recipe.options import Recipe

FORMAT = 1
RECORD, RECIPE, WEIGHTS, CARD, TOWERS, ADAPTERS = (
    "artefact.json",
    "recipe.yaml",
    "weights.safetensors",
    "README.md",
    "towers",
    "adapters",
)
BACKBONE_CONFIG = "config.json"
"""What a model of Hugging Face has, and a trained model here has not."""
MODEL_FOLDER = "model"
"""Where a training run keeps its artefact; a run's folder is accepted in its place."""


class Record(Options):
    """What ``artefact.json`` says."""

    format: int
    """Version of the folder's layout."""
    fingerprint: str
    """Hash of everything that shapes a vector."""
    tower_fingerprints: dict[str, str]
    """Tower block → hash of everything that shapes its states."""
    backbone_fingerprints: dict[str, str] = {}
    """Tower block with an adapter → the same hash of it without the adapter."""
    tower_widths: dict[str, int]
    """Tower block → width of its vectors."""
    metrics: dict[str, float]
    """Scores on validation items of the training domains."""
    provenance: dict[str, Any]
    """Seed, versions, configuration and data that made it."""


@dataclass(frozen=True)
class Artefact:
    """A folder that was read: everything but the weights of the towers."""

    folder: Path
    recipe: Recipe
    record: Record

    def encoder(self) -> Encoder:
        """Load the whole encoder.

        Raises:
            ModelError: if a tower does not load.
            ArtefactError: if a tower is not the one that the artefact was trained on.
        """
        encoder = build_encoder(self.recipe)
        self._fill(encoder)
        for name, fingerprint in encoder.tower_fingerprints().items():
            if fingerprint != self.record.tower_fingerprints[name]:
                source = self.recipe.towers()[name].model
                raise ArtefactError(
                    f"{self.folder}: its tower '{name}' ({source}) has changed since training "
                    "(weights, tokenizer, image processor or prompt); bring back the old one, "
                    "or train again"
                )
        return encoder

    def aligner(self) -> Encoder:
        """Load what comes after the towers, for tower vectors that are at hand."""
        encoder = build_aligner(
            self.recipe,
            tower_widths=self.record.tower_widths,
            tower_fingerprints=self.record.tower_fingerprints,
            backbone_fingerprints=self.record.backbone_fingerprints,
        )
        self._fill(encoder)
        return encoder

    def tower_fingerprint(self, view: str | None = None, *, adapter: bool = True) -> str:
        """Return the key of the cache of a view's tower vectors, by default that of images."""
        return self.aligner().tower_fingerprint(view, adapter=adapter)

    def tell_in_card(self, *, name: str, section: str) -> Path:
        """Put a section into the model card, in the place of its last version, and return the file.

        Nothing else changes, the fingerprint neither.

        Raises:
            WriteError: if the file cannot be written.
        """
        path = self.folder / CARD
        if path.is_file():
            card = path.read_text(encoding="utf-8")
        else:
            card = model_card(self.recipe, record=self.record.model_dump())
        write_text_atomically(path, with_section(card, name=name, section=section))
        return path

    @property
    def holds_towers(self) -> bool:
        """Whether training changed a tower, which then lies in the folder."""
        return (self.folder / TOWERS).is_dir()

    def _fill(self, encoder: Encoder) -> None:
        weights = load_file(self.folder / WEIGHTS)
        report = encoder.blocks.load_state_dict(weights, strict=False)
        missing = [n for n in report.missing_keys if n.split(".")[0] not in self.recipe.towers()]
        if missing or report.unexpected_keys:
            wrong = ", ".join([*missing, *report.unexpected_keys][:5])
            raise ArtefactError(f"{self.folder / WEIGHTS}: does not fit the recipe: {wrong}")


def save_artefact(
    folder: Path,
    *,
    recipe: Recipe,
    encoder: Encoder,
    changed_towers: frozenset[str] = frozenset(),
    trained_adapters: frozenset[str] = frozenset(),
    metrics: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> Artefact:
    """Write an encoder as a folder and return it as read back. A folder in its place is replaced.

    Towers in ``changed_towers`` are written along; of the others the source is remembered. Every
    adapter is written and read back; those in ``trained_adapters`` must add something.

    Raises:
        ModelError: if an adapter is not what it should be.
    """
    building = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    building.mkdir(parents=True)
    try:
        record = Record(
            format=FORMAT,
            fingerprint=encoder.fingerprint,
            tower_fingerprints=encoder.tower_fingerprints(),
            backbone_fingerprints=encoder.backbone_fingerprints(),
            tower_widths=encoder.tower_widths,
            metrics=dict(metrics),
            provenance=dict(provenance),
        )
        kept = recipe
        for name in changed_towers:
            tower: Any = encoder.blocks[name]
            tower.save(building / TOWERS / name)
            kept = kept.with_block(name, model=f"{TOWERS}/{name}")
        for name in recipe.adapted_towers():
            adapted: Any = encoder.blocks[name]
            adapted.save_adapter(building / ADAPTERS / name, trained=name in trained_adapters)
            kept = kept.with_adapter(name, weights=f"{ADAPTERS}/{name}")
        weights = {
            name: tensor.contiguous().cpu()
            for name, tensor in encoder.blocks.state_dict().items()
            if name.split(".")[0] not in recipe.towers()
        }
        save_file(weights, building / WEIGHTS)
        text = yaml.safe_dump(kept.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (building / RECIPE).write_text(text, encoding="utf-8")
        (building / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (building / CARD).write_text(model_card(kept, record=record.model_dump()), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return load_artefact(folder)


def load_artefact(folder: Path | str) -> Artefact:
    """Read an artefact's folder, or the folder of the run that made it.

    Raises:
        ArtefactError: if it is none, incomplete, or of another version.
    """
    path = Path(folder).expanduser()
    if not (path / RECORD).is_file() and (path / MODEL_FOLDER / RECORD).is_file():
        path = path / MODEL_FOLDER
    if not (path / RECORD).is_file():
        raise ArtefactError(f"{folder}: {_what_it_is(path)}")
    try:
        record = Record.model_validate_json((path / RECORD).read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(yaml.safe_load((path / RECIPE).read_text(encoding="utf-8")))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise ArtefactError(f"{path}: cannot be read: {error}") from None
    if record.format != FORMAT:
        raise ArtefactError(
            f"{path}: has format {record.format}, this version of samesense reads {FORMAT}"
        )
    for name, tower in recipe.towers().items():
        if tower.model == f"{TOWERS}/{name}":
            recipe = recipe.with_block(name, model=str((path / TOWERS / name).absolute()))
    for name, adapter in recipe.adapted_towers().items():
        if adapter.weights == f"{ADAPTERS}/{name}":
            weights = str((path / ADAPTERS / name).absolute())
            recipe = recipe.with_adapter(name, weights=weights)
    return Artefact(folder=path, recipe=recipe, record=record)


def load_encoder(folder_or_hub_id: Path | str, *, prompt: PromptName = "semantic") -> Encoder:
    """Return an encoder: a trained model's folder, or any backbone as it is, unaligned.

    ``prompt`` is what an unaligned generative backbone is asked; a trained model has its own.

    Raises:
        ArtefactError: if the folder is a trained model that cannot be read.
        ModelError: if the backbone does not load.
    """
    path = Path(folder_or_hub_id).expanduser()
    if (path / RECORD).is_file() or (path / MODEL_FOLDER / RECORD).is_file():
        return load_artefact(path).encoder()
    return build_encoder(unaligned(str(folder_or_hub_id), prompt=prompt))


def unaligned(model: str, *, prompt: PromptName = "semantic") -> EncoderOptions:
    """Return the options of a backbone as it is: the baseline of every report.

    Raises:
        ModelError: if the model's configuration does not load.
    """
    from samesense.encoder.render.loading import load_config

    if load_config(model, revision=None).model_type in ("clip", "siglip"):
        blocks: dict[str, Any] = {"backbone": ClipTowerOptions(kind="clip", model=model)}
    else:
        blocks = {
            "backbone": MllmTowerOptions(kind="mllm", model=model, prompt=prompt),
            "last": LastTokenOptions(kind="last_token"),
        }
    return EncoderOptions.model_validate(
        {
            "blocks": blocks | {"align": IdentityOptions(kind="identity")},
            "views": {
                "image": {"input": "image", "blocks": [*blocks, "align"]},
                "text": {"input": "text", "blocks": [*blocks, "align"]},
            },
            "vector": {"image": "image", "text": "text"},
        }
    )


def _what_it_is(path: Path) -> str:
    """Say of a folder that is no trained model what it is, and what to give or do instead."""
    if (path / BACKBONE_CONFIG).is_file():
        return (
            "is a backbone, not a trained model; train an alignment on it (`samesense demo "
            "--backbone` or `samesense train`) and give the folder of that run"
        )
    runs = [
        sibling.name
        for sibling in path.parent.glob("*/")
        if (sibling / RECORD).is_file() or (sibling / MODEL_FOLDER / RECORD).is_file()
    ]
    what = f"is no trained model (has no {RECORD})" if path.is_dir() else "no such folder"
    return f"{what}.{did_you_mean(path.name, runs)}"
