"""Options that cannot go together are refused, each with what to change."""

from typing import Any

import pytest

from samesense.core.errors import ConfigError
from samesense.encoder.towers.options import LoraOptions
from samesense.recipe.load import load_recipe
from samesense.training.combinations import check_combinations
from samesense.training.options import DeepSpeedOptions, TrainingCorpusOptions, TrainJob

PARAMETERS = ("backbone.model.weight", "backbone.model.lora_A.weight", "align.gate.weight")
ALIGN, LORA, WHOLE = r"align\..*", r"backbone\..*lora_.*", r"backbone\..*weight"


def check(*, trainable: str = ALIGN, tower: str = "float32", **deepspeed: Any) -> None:
    recipe = load_recipe("alignment").with_block("backbone", precision=tower, lora=LoraOptions())
    stage = recipe.stages[0].model_copy(update={"trainable": (trainable,)})
    job = TrainJob(
        corpus=TrainingCorpusOptions(uri="photos", held_out="sketch"),
        recipe=recipe.model_copy(update={"stages": (stage,)}),
        out="run",
        deepspeed=DeepSpeedOptions(**deepspeed),
    )
    check_combinations(job, parameters=PARAMETERS)


@pytest.mark.parametrize(
    "options",
    [
        {"zero_stage": 0},
        {"zero_stage": 3, "offload_optimiser": True},
        {"zero_stage": 2, "precision": "bfloat16"},
        {"trainable": LORA, "tower": "bfloat16"},
        {"trainable": LORA, "tower": "bfloat16", "precision": "bfloat16"},
        {"trainable": WHOLE, "tower": "bfloat16", "precision": "bfloat16"},
    ],
)
def test_what_goes_together_passes(options: dict[str, Any]) -> None:
    check(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"trainable": LORA, "precision": "bfloat16"},
            r"recipe\.blocks\.backbone\.precision: is float32, .* in bfloat16; give both the same",
        ),
        (
            {"trainable": WHOLE, "tower": "bfloat16"},
            r"recipe\.blocks\.backbone\.precision: is bfloat16, .*precision is float32",
        ),
    ],
)
def test_what_cannot_go_together_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"zero_stage": 0, "precision": "bfloat16"}, "bfloat16 needs zero_stage 1 or more"),
        ({"zero_stage": 1, "offload_optimiser": True}, "only zero_stage 2 and 3"),
    ],
)
def test_sharding_that_keeps_too_little_is_no_option(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DeepSpeedOptions(**options)
