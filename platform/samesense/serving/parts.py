"""What HTTP is served by: the deployments behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samesense.serving.options import ServeOptions
from samesense.serving.served_model import Capacity, ServedModel
from samesense.serving.service import Service


@dataclass(frozen=True)
class Parts:
    """Deployments, not running yet, or handles of those that run; embedders by their model."""

    renderer: Any
    embedders: Mapping[str, Any]
    capacities: Mapping[str, Capacity]
    searcher: Any

    def service(self, options: ServeOptions) -> Service:
        """Return what embeds and searches by these parts, which must run."""
        models = {
            name: ServedModel(self.renderer, embedder, self.capacities[name])
            for name, embedder in self.embedders.items()
        }
        return Service(options, models=models, searcher=self.searcher)
