"""Whether a training job can work at all, found out without asking for any resource."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from samesense.core.errors import ConfigError, blame
from samesense.corpus.manifest import Manifest
from samesense.recipe.parameters import check_parameters, parameter_names
from samesense.recipe.wiring import check_wiring
from samesense.training.combinations import check_combinations
from samesense.training.options import TrainJob
from samesense.training.record import Start, check_run
from samesense.training.sizes import check_sizes
from samesense.training.tracking import check_trackers
from samesense.training.vocabulary import check_vocabulary

TRAINING_SPLITS = ("train", "validation")


def check_job(job: TrainJob, *, start: Start = "new") -> None:
    """Refuse a job that cannot work, without asking for any resource.

    Raises:
        ConfigError: naming every fault of the recipe or of the combination of options, or if its
            folder holds a run that ``start`` does not expect.
        ModelError: if a backbone's configuration does not load.
    """
    with blame("recipe"):
        check_wiring(job.recipe)
        check_parameters(job.recipe)
        if not job.recipe.stages:
            raise ConfigError("has no stage to train")
    check_combinations(job, parameters=parameter_names(job.recipe))
    with blame("tracking", "mlflow"):
        check_trackers(job.tracking)
    check_run(with_absolute_models(job), start=start)


def check_data(job: TrainJob, *, manifest: Manifest, start: Start = "new") -> None:
    """Refuse a manifest with splits that the job cannot train on, without asking for any resource.

    Raises:
        ConfigError: if a step cannot be shared by the workers, the recipe states other numbers or
            domains than there are, or the job's folder holds a run on other data that ``start``
            would go on with.
        TrainingError: if the items do not make one step.
        CorpusError: if there are none.
    """
    check_sizes(job, manifest=manifest)
    seen = in_splits(manifest, TRAINING_SPLITS)
    check_vocabulary(job.recipe, seen=seen)
    check_run(with_absolute_models(job), start=start, manifest_hash=seen.hash)


def in_splits(manifest: Manifest, names: Sequence[str]) -> Manifest:
    """Return the rows of these splits, some of which may be empty."""
    return manifest.where(np.isin(manifest.column("split").astype(str), names))


def with_absolute_models(job: TrainJob) -> TrainJob:
    """Name local models so that the artefact finds them from any working directory."""
    recipe = job.recipe
    for name, tower in recipe.towers().items():
        if Path(tower.model).is_dir():
            recipe = recipe.with_block(name, model=str(Path(tower.model).absolute()))
    for name, adapter in recipe.adapted_towers().items():
        if adapter.weights is not None:
            recipe = recipe.with_adapter(name, weights=str(Path(adapter.weights).absolute()))
    return job.model_copy(update={"recipe": recipe})
