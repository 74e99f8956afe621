"""The whole of a training job, as one typed tree."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.splits import SplitShares
from samesense.encoder.options import Device
from samesense.recipe.options import Recipe


def one_or_more(value: Any) -> Any:
    """Let a single name stand for a list of one."""
    return (value,) if isinstance(value, str) else value


class TrainingCorpusOptions(Options):
    """What to learn from, and which domain to keep out of it."""

    uri: str
    """A folder ``domain/class/file``, or a manifest (.parquet, .jsonl, .csv)."""
    held_out: Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
    """The domains that no stage sees and no selection uses; they are for evaluation."""
    held_out_classes: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = ()
    """The classes that no stage sees either, in no domain; where some are, ``held_out`` may be
    empty."""
    split: str | None = None
    """A split that ``samesense corpus split`` wrote, in place of ``held_out_classes`` and
    ``shares``; ``held_out`` must say what it holds out."""
    shares: SplitShares = SplitShares()
    """Shares of the training domains that are kept for validation and for the gallery."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""

    @field_validator("shares")
    @classmethod
    def _are_not_said_twice(cls, shares: SplitShares, told: ValidationInfo) -> SplitShares:
        if told.data.get("split") is not None and shares != SplitShares():
            raise ValueError("the split says what is kept for what; leave shares out")
        return shares

    @field_validator("split")
    @classmethod
    def _says_it_alone(cls, split: str | None, told: ValidationInfo) -> str | None:
        if split is not None and told.data.get("held_out_classes"):
            raise ValueError("says which classes are held out; leave held_out_classes empty")
        return split


class WorkersOptions(Options):
    """The Ray Train workers."""

    count: int = Field(default=1, ge=1)
    """How many processes share every global step."""
    device: Device = "auto"
    """``gpu`` gives each worker one GPU; ``auto`` does where there are enough."""
    cpus_per_worker: float = Field(default=1.0, gt=0)
    """CPUs that Ray reserves for each; some must stay free for reading data."""
    threads_per_worker: int | None = Field(default=None, ge=1)
    """CPU threads of each worker's arithmetic; by default all cores but one, shared equally."""


class DeepSpeedOptions(Options):
    """How DeepSpeed holds the trained parameters."""

    zero_stage: Literal[0, 1, 2, 3] = 2
    """What ZeRO shards: nothing, optimiser state, also gradients, also parameters."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of trained parameters and gradients; ``bfloat16`` keeps float32 masters. A
    tower that is run has its own, ``blocks.NAME.precision``."""
    offload_optimiser: bool = False
    """Keep the optimiser's state in the CPU's memory and step there: ZeRO 2 and 3 only."""

    @field_validator("precision")
    @classmethod
    def _keeps_float32_weights(cls, precision: str, told: ValidationInfo) -> str:
        if precision == "bfloat16" and told.data.get("zero_stage") == 0:
            raise ValueError("bfloat16 needs zero_stage 1 or more to keep float32 weights")
        return precision

    @field_validator("offload_optimiser")
    @classmethod
    def _has_state_of_its_own(cls, offload: bool, told: ValidationInfo) -> bool:
        if offload and told.data.get("zero_stage") in (0, 1):
            raise ValueError("only zero_stage 2 and 3 keep the optimiser's state apart")
        return offload


class CheckpointOptions(Options):
    """How a run survives."""

    storage: str | None = None
    """Folder of the checkpoints, local or ``s3://bucket/prefix``; by default ``checkpoints`` in
    ``out``. All nodes must reach it."""
    every_steps: int = Field(default=100, ge=1)
    """Write a checkpoint this often; a stage that validates also writes one with every score."""
    keep_last: int = Field(default=2, ge=1)
    """How many stay, besides the one with the best score."""
    restarts: int = Field(default=3, ge=0)
    """How often to start the workers again after they die, counted from the last progress."""


class TrackingOptions(Options):
    """Where a run's numbers go, besides ``OUT/metrics.jsonl``."""

    tensorboard: bool = True
    """Also write ``OUT/tensorboard``."""
    mlflow: str | None = None
    """Address of an MLflow server to send them to; needs ``pip install 'samesense[mlflow]'``."""


def a_path(value: str) -> str:
    """Refuse an address where a path is needed."""
    if "://" in value:
        raise ValueError(
            "must be a path; only checkpoints.storage may be an address such as s3://bucket/prefix"
        )
    return value


class TrainJob(Options):
    """One training run."""

    corpus: TrainingCorpusOptions
    """Images to learn from."""
    recipe: Recipe
    """The method; write ``base: NAME`` to start from a recipe of the library."""
    out: Annotated[str, AfterValidator(a_path)]
    """Folder of the run; the artefact is written there."""
    cache: Annotated[str, AfterValidator(a_path)] = "runs/cache"
    """Folder of the vector cache, shared by all runs."""
    seed: int = Field(default=0, ge=0)
    """Decides the split, the batch plan and the starting weights."""
    workers: WorkersOptions = WorkersOptions()
    """Processes and devices."""
    deepspeed: DeepSpeedOptions = DeepSpeedOptions()
    """Sharding and precision."""
    checkpoints: CheckpointOptions = CheckpointOptions()
    """Where and how often a run writes down where it is."""
    tracking: TrackingOptions = TrackingOptions()
    """Where the run's numbers go."""
