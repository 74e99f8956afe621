"""A frozen backbone for every held-out domain: the one that was given, or small ones of our own."""

from collections.abc import Iterator

from samesense.corpus.manifest import Manifest
from samesense.encoder.scratch import build_idefics3
from samesense.encoder.towers.options import MllmTowerOptions
from samesense.experiments.experiment import Experiment, held_out_together, train_without
from samesense.recipe.load import load_recipe
from samesense.recipe.options import Recipe


def recipes_on_backbones(
    experiment: Experiment, manifest: Manifest, *, seed: int
) -> Iterator[tuple[str, Recipe]]:
    """Yield each held-out domain with the alignment recipe on a backbone that has not seen it."""
    alignment = load_recipe("alignment")
    if experiment.backbone is not None:
        for held_out in experiment.held_out:
            yield held_out, alignment.with_block("backbone", model=experiment.backbone)
        return
    for together in held_out_together(experiment, domains=len(manifest.domains)):
        backbone = _from_scratch(together, experiment, manifest, seed)
        for held_out in together:
            yield (
                held_out,
                alignment.with_block("backbone", model=backbone.model, prompt=backbone.prompt),
            )


def _from_scratch(
    held_out: tuple[str, ...], experiment: Experiment, manifest: Manifest, seed: int
) -> MllmTowerOptions:
    """Train a small MLLM to match images and captions of the other domains."""
    print(f"\nseed {seed}, backbone without {' and '.join(held_out)}", flush=True)
    folder = (experiment.out / f"untrained-seed{seed}").absolute()
    build_idefics3(folder, words=[*manifest.domains, *manifest.labels], seed=seed)
    trained, _ = train_without(
        held_out,
        experiment=experiment,
        recipe=load_recipe("scratch").with_block("backbone", model=str(folder)),
        manifest=manifest.with_text(_captions(manifest)),
        seed=seed,
    )
    tower = trained.artefact.recipe.blocks["backbone"]
    assert isinstance(tower, MllmTowerOptions)
    return tower


def _captions(manifest: Manifest) -> list[str]:
    """Say of each image what it shows and how, as captions on the web do."""
    rows = zip(manifest.column("domain"), manifest.column("label"), strict=True)
    return [f"{domain} {label}" for domain, label in rows]
