"""One of every loss, and tensors that play their roles."""

from typing import Any

import torch
import torch.nn.functional as F
from pydantic import TypeAdapter

from samesense.objectives.options import Loss

ON = {
    "z": "image",
    "h": "frozen",
    "query": "image",
    "candidate": "frozen",
    "concepts": "names",
    "variances": "variances",
}
LEARNED = {"temperature": "temperature"}
LOSSES: dict[str, dict[str, Any]] = {
    "multi_positive": {"temperature": 0.2},
    "multi_positive, others' domains": {"on": LEARNED, "own_domain": "leave_out"},
    "multi_positive, one anchor": {"temperature": 0.2, "anchor": 1},
    "semantic_relations": {"temperature": 0.2},
    "semantic_relations, hard": {"temperature": 0.2, "variant": "hard"},
    "semantic_relations, margin": {"temperature": 0.2, "variant": "margin"},
    "coherence": {},
    "coherence, pairwise": {"variant": "pairwise"},
    "style": {"second_moments": 0.5},
    "preserve": {},
    "miro": {},
    "info_nce": {"on": LEARNED},
    "supcon": {"on": LEARNED},
    "centroid": {"on": LEARNED},
    "coral": {},
    "mmd": {},
    "cross_entropy": {"on": {"classes": "concepts", **LEARNED}},
    "cross_entropy, domains": {"labels": "domain", "on": {"classes": "domains"}},
    "arcface": {"on": {"classes": "concepts"}},
}


def build(name: str, **changes: Any) -> Loss:
    """One of ``LOSSES``, on the tensors of ``Played``."""
    adapter: TypeAdapter[Loss] = TypeAdapter(Loss)
    values = {"kind": name.split(",")[0], "on": {}, **LOSSES[name], **changes}
    roles = adapter.validate_python(values).roles
    on = {role: ON[role] for role in roles if role in ON}
    return adapter.validate_python(values | {"on": on | values["on"]})


class Played(torch.nn.Module):
    """Everything that losses read, from one linear module and learned tensors. Widths 6 and 4."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.linear = torch.nn.Linear(6, 4)
        self.names = torch.randn(3, 6)
        self.concepts = torch.nn.Parameter(torch.randn(3, 4))
        self.domains = torch.nn.Parameter(torch.randn(3, 4))
        self.variances = torch.nn.Parameter(torch.rand(4))
        self.temperature = torch.nn.Parameter(torch.tensor(0.3))

    def forward(self, x_BD: torch.Tensor) -> dict[str, torch.Tensor]:
        names = self.names.to(x_BD.dtype)
        return {
            "image": F.normalize(self.linear(x_BD), dim=1),
            "frozen": F.normalize(x_BD[:, :4], dim=1),
            "names": F.normalize(self.linear(names), dim=1),
            "concepts": F.normalize(self.concepts, dim=1),
            "domains": F.normalize(self.domains, dim=1),
            "variances": self.variances + 0.1,
            "temperature": self.temperature,
        }


OF_ITEMS = ("image", "frozen")


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Vectors (8, 6) in float64, concepts and domains."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0, 1, 0, 1, 2, 2, 0, 1]), torch.tensor([0, 0, 1, 1, 0, 1, 2, 2])
