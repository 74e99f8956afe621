"""The whole of an ablation, as one typed tree."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from samesense.core.errors import did_you_mean
from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.splits import SplitShares
from samesense.encoder.options import Device
from samesense.recipe.options import Recipe
from samesense.training.options import DeepSpeedOptions, a_path, one_or_more

Changes = dict[str, Any]
"""Key path in the recipe → the value that takes its place; mappings of one kind merge."""


def _a_folder_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name):
        raise ValueError(f"'{name}' must name a folder: letters, digits, and _ . + -")
    return name


VariantName = Annotated[str, AfterValidator(_a_folder_name)]


class AblationCorpusOptions(Options):
    """What to learn from and to measure on."""

    uri: str
    """A folder ``domain/class/file``, or a manifest (.parquet, .jsonl, .csv)."""
    held_out: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = ()
    """The domains that are held out, one at a time; by default each of the corpus."""
    shares: SplitShares = SplitShares()
    """Shares of the training domains that are kept for validation and for the gallery."""
    limits: DecodeLimits = DecodeLimits()
    """What an image file may cost before it is rejected."""


class AblateJob(Options):
    """A recipe and its variants, each trained without each held-out domain, with each seed."""

    corpus: AblationCorpusOptions
    """Images to learn from and to measure on."""
    recipe: Recipe
    """What all variants start from; write ``base: NAME`` to take a recipe of the library."""
    variants: dict[VariantName, Changes] = Field(min_length=1)
    """Name → what it changes in the recipe, such as ``blocks.align: {kind: linear}``."""
    reference: str
    """The variant that the others are compared with."""
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    """Each decides a split, a batch plan and starting weights."""
    out: Annotated[str, AfterValidator(a_path)]
    """Folder of the ablation: a run lies in ``out/VARIANT/DOMAIN-seedN``."""
    cache: Annotated[str, AfterValidator(a_path)] = "runs/cache"
    """Folder of the vector cache, shared by all runs."""
    device: Device = "auto"
    """``gpu`` gives each run a GPU; ``auto`` does where there is one."""
    runs_at_once: int | None = Field(default=None, ge=1)
    """How many runs go side by side; by default as many as there are GPUs, or else CPUs."""
    deepspeed: DeepSpeedOptions = DeepSpeedOptions(zero_stage=0)
    """Precision, and sharding, of which a run of one process has no need."""

    @field_validator("reference")
    @classmethod
    def _is_a_variant(cls, reference: str, told: ValidationInfo) -> str:
        names = list(told.data.get("variants", [reference]))
        if reference not in names:
            hint = did_you_mean(reference, names)
            raise ValueError(f"no variant '{reference}' (has: {', '.join(names)}).{hint}")
        return reference
