"""Exactly the declared parameters change, or the run fails."""

import pytest
import torch
from torch import nn

from samesense.core.errors import ConfigError, TrainingError
from samesense.training.verify import declare_trainable, verify_changed
from samesense.training.weights import hash_parameters, load_weights


def model() -> nn.ModuleDict:
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    return nn.ModuleDict({"tower": tower, "align": nn.Linear(3, 2)})


def test_what_matches_learns_and_the_rest_is_frozen_and_evaluates() -> None:
    blocks = model()
    assert declare_trainable(blocks, patterns=[r"align\..*"]) == ["align.weight", "align.bias"]
    learning = [name for name, p in blocks.named_parameters() if p.requires_grad]
    assert learning == ["align.weight", "align.bias"]
    assert blocks["align"].training
    assert not blocks["tower"].training
    assert not blocks["tower"][1].training


def test_dropout_acts_where_something_learns() -> None:
    blocks = nn.ModuleDict({"tower": model()["tower"], "align": model()["tower"]})
    declare_trainable(blocks, patterns=[r"align\..*"])
    assert blocks["align"][1].training
    assert not blocks["tower"][1].training


def test_a_pattern_must_match_whole_names() -> None:
    with pytest.raises(ConfigError, match=r"'align' matches no parameter \(has: tower\.0\.weight"):
        declare_trainable(model(), patterns=["align"])


def test_a_change_too_many_and_a_change_too_few_are_named() -> None:
    blocks = model()
    before = hash_parameters(blocks, zero_stage=0)
    verify_changed(before=before, after=hash_parameters(blocks, zero_stage=0), declared=[])
    with torch.no_grad():
        blocks["align"].weight[0, 0] += 1e-7
    after = hash_parameters(blocks, zero_stage=0)
    verify_changed(before=before, after=after, declared=["align.weight"])
    with pytest.raises(TrainingError, match=r"the stage freezes: align\.weight"):
        verify_changed(before=before, after=after, declared=[])
    with pytest.raises(TrainingError, match=r"did not change .*: tower\.0\.bias"):
        verify_changed(before=before, after=after, declared=["align.weight", "tower.0.bias"])


def test_weights_go_where_their_names_say() -> None:
    blocks, other = model(), model()
    with torch.no_grad():
        blocks["align"].weight.add_(1)
    load_weights(other, {"align.weight": blocks["align"].weight.detach()})
    assert torch.equal(other["align"].weight, blocks["align"].weight)
    with pytest.raises(TrainingError, match=r"align\.extra"):
        load_weights(other, {"align.extra": torch.zeros(1)})
    load_weights(other, {"elsewhere.weight": torch.zeros(1)})
