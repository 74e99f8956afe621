"""What the runs of an ablation share: each frozen tower sees every image once, before them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from samesense.artefact.folder import save_artefact
from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.core.hashing import hash_json
from samesense.corpus.manifest import Manifest
from samesense.encoder.build import build_encoder
from samesense.encoder.options import Device
from samesense.experiments.trial import Trial
from samesense.recipe.options import Recipe, StageOptions
from samesense.recipe.parameters import parameter_names
from samesense.training.checks import TRAINING_SPLITS, in_splits
from samesense.training.vocabulary import with_counts


def learns_in_tower(recipe: Recipe) -> bool:
    """Tell whether a stage trains a tower or its adapter, so that each run embeds by itself."""
    towers = recipe.towers()
    names = [name for name in parameter_names(recipe) if name.split(".")[0] in towers]
    patterns = [p for s in recipe.stages if isinstance(s, StageOptions) for p in s.trainable]
    return any(re.fullmatch(pattern, name) for pattern in patterns for name in names)


def embed_for(trials: Sequence[Trial], *, manifest: Manifest, out: Path, device: Device) -> None:
    """Put the vectors of all images by all towers of the runs into the cache, towers untrained.

    Ray must be running.
    """
    asked: dict[str, tuple[Trial, str]] = {}
    for trial in trials:
        for key, view in _tower_views(trial.job.recipe):
            asked.setdefault(key, (trial, view))
    for key, (trial, view) in asked.items():
        job = trial.job
        seen = in_splits(trial.split(manifest), TRAINING_SPLITS)
        recipe = with_counts(job.recipe, seen=seen)
        model = save_artefact(
            out / key, recipe=recipe, encoder=build_encoder(recipe), metrics={}, provenance={}
        )
        print(f"tower vectors as variant '{trial.variant}' reads them", flush=True)
        fill_image_vectors(
            manifest,
            model=model.folder,
            cache_root=job.cache,
            limits=job.corpus.limits,
            options=EncodeOptions(device=device),
            view=view,
            adapter=False,
        )


def _tower_views(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield, for views of images, a hash of what gives their tower vectors, and the view."""
    for view, options in recipe.views.items():
        if options.input == "image":
            blocks = [recipe.blocks[name].model_dump(mode="json") for name in recipe.prefix(view)]
            yield hash_json(blocks)[:16], view
