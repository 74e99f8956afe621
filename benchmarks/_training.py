"""Training runs as the training benchmarks need them: LoRA in a small MLLM, all images learned."""

import json
from pathlib import Path
from typing import Any

from samesense.corpus.manifest import Manifest
from samesense.encoder.towers.options import LoraOptions
from samesense.experiments.training import train_on
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe
from samesense.training.options import TrainingCorpusOptions, TrainJob


def lora_recipe(backbone: str, *, steps: int, items_per_step: int, **stage: Any) -> Recipe:
    """Return the LoRA stage alone, from a fresh adapter, over shuffled images."""
    recipe = load_recipe("alignment_lora").with_block(
        "backbone", model=backbone, lora=LoraOptions()
    )
    sizes = {"kind": "shuffled", "items_per_step": items_per_step}
    changes = {"steps": steps, "sampler": sizes, "validate_every_steps": None, **stage}
    values = recipe.model_dump()
    values["stages"] = [values["stages"][-1] | changes]
    return Recipe.model_validate(values)


def without_teacher(recipe: Recipe) -> Recipe:
    """Return the recipe with losses of the live vectors only, so that both loops read images."""
    values = recipe.model_dump()
    stage = values["stages"][0]
    stage["losses"] = [loss for loss in stage["losses"] if loss["kind"] == "multi_positive"]
    return Recipe.model_validate(values)


def train_all(
    manifest: Manifest, *, recipe: Recipe, out: Path, **options: Any
) -> list[dict[str, Any]]:
    """Train on every row of a manifest, and return what was measured in each step."""
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri="drawn", held_out="none"),
        recipe=recipe,
        out=str(out),
        cache=str(out.parent / "cache"),
        **options,
    )
    train_on(job, manifest.with_split(["train"] * len(manifest)))
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
