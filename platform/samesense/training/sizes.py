"""Whether a job's global steps can be formed from its items and shared by its workers."""

import numpy as np

from samesense.core.errors import ConfigError, Fault, blame
from samesense.corpus.manifest import Manifest
from samesense.recipe.options import StageOptions
from samesense.training.options import TrainJob
from samesense.training.plan import Indices, items_per_step, steps_per_epoch


def check_sizes(job: TrainJob, *, manifest: Manifest) -> None:
    """Check the steps of every stage against the ``train`` split of a manifest.

    Raises:
        ConfigError: if a step's items cannot be shared equally by the workers.
        TrainingError: if the items do not make one step.
        CorpusError: if nothing is in the split.
    """
    training = manifest.of(splits=("train",))
    concept_N, domain_N = (_numbers(training, name) for name in ("label", "domain"))
    for s, stage in enumerate(job.recipe.stages):
        if not isinstance(stage, StageOptions):
            continue
        with blame("recipe", "stages", s):
            steps_per_epoch(stage.sampler, concept_N=concept_N, domain_N=domain_N)
        items, workers = items_per_step(stage.sampler, domain_N=domain_N), job.workers.count
        if items % workers:
            message = (
                f"the {items} items of a step of stage '{stage.name}' cannot be shared equally by "
                f"{workers} workers; change the sampler or the workers"
            )
            raise ConfigError(Fault(("workers", "count"), message))


def _numbers(manifest: Manifest, column: str) -> Indices:
    return np.unique(manifest.column(column).astype(str), return_inverse=True)[1]
