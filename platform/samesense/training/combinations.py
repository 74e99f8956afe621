"""Which precisions of a training job cannot go together."""

import re
from collections.abc import Iterator, Sequence

from samesense.core.errors import ConfigError, Fault
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.options import StageOptions
from samesense.training.options import TrainJob
from samesense.training.sources import stage_views, view_source


def check_combinations(job: TrainJob, *, parameters: Sequence[str]) -> None:
    """Refuse precisions of DeepSpeed and of towers that do not go together.

    ``parameters`` are the encoder's names.

    Raises:
        ConfigError: listing every fault.
    """
    faults: list[Fault] = []
    for stage in job.recipe.stages:
        if isinstance(stage, StageOptions):
            faults += _precision_faults(job, stage, parameters)
    if faults:
        raise ConfigError(*faults)


def _precision_faults(
    job: TrainJob, stage: StageOptions, parameters: Sequence[str]
) -> Iterator[Fault]:
    """Yield a fault for every tower that would be run in other numbers than it is served in."""
    views = stage_views(job.recipe, stage=stage)
    sources = [
        view_source(job.recipe, stage=stage, view=view, parameters=parameters) for view in views
    ]
    for name in sorted({source.tower for source in sources if source.kind == "live"}):
        tower, asked = job.recipe.towers()[name].precision, job.deepspeed.precision
        at = ("recipe", "blocks", name, "precision")
        if asked == "bfloat16" and tower != asked:
            yield Fault(
                at,
                f"is {tower}, but deepspeed.precision would hold the tower, which stage "
                f"'{stage.name}' runs, in bfloat16; give both the same",
            )
        if asked == "float32" and tower != asked and _trains_own_weights(stage, name, parameters):
            yield Fault(
                at,
                f"is {tower}, but stage '{stage.name}' trains the tower and deepspeed.precision is "
                "float32; give both the same",
            )


def _trains_own_weights(stage: StageOptions, tower: str, parameters: Sequence[str]) -> bool:
    own = [name for name in parameters if name.split(".")[0] == tower and not is_adapter(name)]
    return any(re.fullmatch(pattern, name) for pattern in stage.trainable for name in own)
