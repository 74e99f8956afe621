"""Alignment modules against their formulas, written out in numpy."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from samesense.encoder.align.bottleneck import Bottleneck
from samesense.encoder.align.experts import Experts
from samesense.encoder.align.gated import Gated
from samesense.encoder.align.identity import Identity
from samesense.encoder.align.linear import Linear
from samesense.encoder.align.mlp import Mlp
from samesense.encoder.align.options import (
    ExpertsOptions,
    GatedOptions,
    MlpOptions,
    ResidualOptions,
)
from samesense.encoder.align.query import Query
from samesense.encoder.align.residual import Residual

WIDTH, RANK = 12, 5
MODULES = {
    "identity": lambda: Identity(),
    "linear": lambda: Linear(width=WIDTH),
    "residual": lambda: Residual(width=WIDTH, rank=RANK, scale=0.7, dropout=0.0),
    "gated": lambda: Gated(width=WIDTH, rank=RANK, dropout=0.0),
    "mlp": lambda: Mlp(width=WIDTH, hidden=2 * WIDTH),
    "experts": lambda: Experts(width=WIDTH, experts=3, rank=RANK, temperature=0.5),
}


def vectors() -> torch.Tensor:
    return torch.randn(6, WIDTH, generator=torch.Generator().manual_seed(0)) * 3 + 1


def shaken(module: nn.Module) -> nn.Module:
    """The module away from its start, where parts of it are zero."""
    torch.manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def plain_bottleneck(module: Bottleneck, h: np.ndarray) -> np.ndarray:
    w = {name: p.detach().numpy() for name, p in module.named_parameters()}
    centred = h - h.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    normed = normed * w["norm.weight"] + w["norm.bias"]
    inner = normed @ w["down.weight"].T + w["down.bias"]
    return gelu(inner) @ w["up.weight"].T + w["up.bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize("name", ["identity", "linear", "residual", "gated", "experts"])
def test_a_fresh_module_is_the_identity(name: str) -> None:
    assert torch.equal(MODULES[name]()(vectors()), vectors())


def test_the_perceptron_is_its_formula() -> None:
    module: Any = shaken(MODULES["mlp"]())
    w = [p.detach().numpy() for p in module.parameters()]
    inner = vectors().numpy() @ w[0].T + w[1]
    centred = inner - inner.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) * w[2] + w[3]
    expected = gelu(normed) @ w[4].T + w[5]
    assert np.allclose(module(vectors()).detach().numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("name", ["linear", "residual", "gated", "mlp", "experts"])
def test_every_parameter_learns(name: str) -> None:
    module = shaken(MODULES[name]())
    (module(vectors()) * torch.randn(WIDTH)).sum().backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_the_residual_is_its_formula() -> None:
    module: Any = shaken(MODULES["residual"]())
    h = vectors().numpy()
    expected = h + 0.7 * plain_bottleneck(module.bottleneck, h)
    assert np.allclose(module(vectors()).detach().numpy(), expected, atol=1e-4)


def test_the_gated_module_is_its_formula() -> None:
    module: Any = shaken(MODULES["gated"]())
    h = vectors().numpy()
    weight, bias = module.gate.weight.detach().numpy(), module.gate.bias.detach().numpy()
    gate = 1 / (1 + np.exp(-(h @ weight.T + bias)))
    expected = h + gate * plain_bottleneck(module.bottleneck, h)
    assert np.allclose(module(vectors()).detach().numpy(), expected, atol=1e-4)


def plain_norm(h: np.ndarray, weight: Any, bias: Any) -> np.ndarray:
    centred = h - h.mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return normed * weight.detach().numpy() + bias.detach().numpy()


def softmax(x: np.ndarray) -> np.ndarray:
    shares = np.exp(x - x.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def test_the_experts_are_their_formula() -> None:
    module: Any = shaken(MODULES["experts"]())
    h = vectors().numpy()
    x = plain_norm(h, module.norm.weight, module.norm.bias)
    prototypes, down, up = (
        p.detach().numpy() for p in (module.prototypes_ED, module.down.weight, module.up.weight)
    )
    expected = h.copy()
    for i in range(len(h)):
        lengths = np.linalg.norm(prototypes, axis=1) * np.linalg.norm(x[i])
        share = softmax(prototypes @ x[i] / lengths / 0.5)
        for expert in range(3):
            rows = slice(expert * RANK, (expert + 1) * RANK)
            expected[i] += share[expert] * up[:, rows] @ (down[rows] @ x[i])
    assert np.allclose(module(vectors()).detach().numpy(), expected, atol=1e-3)


def test_a_vector_at_a_prototype_is_given_to_its_expert() -> None:
    module: Any = Experts(width=WIDTH, experts=3, rank=RANK, temperature=0.02)
    gates = module.gates(module.prototypes_ED.detach())
    assert torch.allclose(gates, torch.eye(3), atol=1e-3)


STATES = 3


def query() -> Any:
    return Query(width=WIDTH, states=STATES, queries=2, inner=7, rank=RANK, dropout=0.0)


def several_layers() -> torch.Tensor:
    return torch.randn(6, STATES * WIDTH, generator=torch.Generator().manual_seed(2)) * 3


def test_fresh_queries_give_the_last_layers_vector() -> None:
    h = several_layers()
    assert torch.equal(query()(h), h[:, -WIDTH:])


def test_the_queries_are_their_formula() -> None:
    module = shaken(query())
    h = several_layers().numpy().reshape(6, STATES, WIDTH)
    x = plain_norm(h, module.norm.weight, module.norm.bias)
    w = {name: p.detach().numpy() for name, p in module.named_parameters()}
    read = []
    for q in range(2):
        scores = x @ w["queries_QD"][q] / math.sqrt(WIDTH) + w["bias_QM"][q]
        share = softmax(scores)
        read.append(sum(share[:, m, None] * (x[:, m] @ w["values.weight"].T) for m in range(3)))
    u = h[:, -1] + np.concatenate(read, axis=1) @ w["out.weight"].T + w["out.bias"]
    expected = u + plain_bottleneck(module.bottleneck, u)
    assert np.allclose(module(several_layers()).detach().numpy(), expected, atol=1e-3)


def test_every_parameter_of_the_queries_learns() -> None:
    module = shaken(query())
    (module(several_layers()) * torch.randn(WIDTH)).sum().backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_dropout_acts_in_training_alone() -> None:
    module = shaken(Gated(width=WIDTH, rank=RANK, dropout=0.5))
    assert not torch.equal(module.train()(vectors()), module(vectors()))
    assert torch.equal(module.eval()(vectors()), module(vectors()))


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (GatedOptions, {"kind": "gated", "rank": 0}),
        (GatedOptions, {"kind": "gated", "dropout": 1.0}),
        (ResidualOptions, {"kind": "residual", "scale": 0.0}),
        (MlpOptions, {"kind": "mlp", "hidden": 0}),
        (MlpOptions, {"kind": "mlp", "rank": 3}),
        (ExpertsOptions, {"kind": "experts", "experts": 1}),
    ],
)
def test_impossible_options_are_refused(options: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options.model_validate(values)
