"""Which options of a training job cannot go together, told before any resource is asked for."""

import re
from collections.abc import Iterator, Sequence

from samesense.core.errors import ConfigError
from samesense.encoder.towers.options import is_adapter
from samesense.recipe.options import FitStageOptions, StageOptions
from samesense.training.options import TrainJob
from samesense.training.sources import stage_views, view_source


def check_combinations(job: TrainJob, *, parameters: Sequence[str]) -> None:
    """Refuse sharding, precision and towers that do not go together.

    ``parameters`` are the encoder's names.

    Raises:
        ConfigError: listing every fault.
    """
    faults = [*_sharding_faults(job)]
    for stage in job.recipe.stages:
        if isinstance(stage, FitStageOptions):
            continue
        faults += _precision_faults(job, stage, parameters)
    if faults:
        raise ConfigError("\n".join(faults))


def _sharding_faults(job: TrainJob) -> Iterator[str]:
    options = job.deepspeed
    if options.precision == "bfloat16" and options.zero_stage == 0:
        yield "deepspeed: bfloat16 needs zero_stage 1 or more to keep float32 weights"
    if options.offload_optimiser and options.zero_stage < 2:
        yield (
            "deepspeed.offload_optimiser: only ZeRO 2 and 3 keep the optimiser's state apart; "
            f"set deepspeed.zero_stage to one of them, not {options.zero_stage}"
        )


def _precision_faults(
    job: TrainJob, stage: StageOptions, parameters: Sequence[str]
) -> Iterator[str]:
    """Yield a fault for every tower that would be run in other numbers than it is served in."""
    views = stage_views(job.recipe, stage=stage)
    sources = [
        view_source(job.recipe, stage=stage, view=view, parameters=parameters) for view in views
    ]
    for name in sorted({source.tower for source in sources if source.kind == "live"}):
        tower, asked = job.recipe.towers()[name].precision, job.deepspeed.precision
        if asked == "bfloat16" and tower != asked:
            yield (
                f"deepspeed.precision: bfloat16 holds the tower '{name}', which stage "
                f"'{stage.name}' runs, in bfloat16 too; set blocks.{name}.precision to bfloat16, "
                f"not {tower}"
            )
        if asked == "float32" and tower != asked and _trains_own_weights(stage, name, parameters):
            yield (
                f"stage '{stage.name}' trains the tower '{name}', which is {tower}, but "
                f"deepspeed.precision is float32; give both the same"
            )


def _trains_own_weights(stage: StageOptions, tower: str, parameters: Sequence[str]) -> bool:
    own = [name for name in parameters if name.split(".")[0] == tower and not is_adapter(name)]
    return any(re.fullmatch(pattern, name) for pattern in stage.trainable for name in own)
