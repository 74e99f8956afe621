"""HTTP: reads requests, has them served by the other deployments, writes answers."""

from collections.abc import Callable, Mapping
from typing import Any

from ray import serve
from ray.util.metrics import Counter, Histogram

from samesense.serving.guard import App, Guard, open_to
from samesense.serving.keys import read_keys
from samesense.serving.measure import SECONDS, Measures
from samesense.serving.options import ServeOptions
from samesense.serving.routes import create_app
from samesense.serving.served_model import Capacity, ServedModel
from samesense.serving.service import Service


@serve.ingress()
class Front:
    """The deployment that callers reach."""

    def __init__(
        self,
        options: ServeOptions,
        renderer: Any,
        embedders: Mapping[str, Any],
        capacities: Mapping[str, Capacity],
        searcher: Any,
    ) -> None:
        """Serve by these deployments, each embedder's model to its capacity."""
        self.options = options
        models = {
            name: ServedModel(renderer, embedder, capacities[name])
            for name, embedder in embedders.items()
        }
        self.service = Service(options, models=models, searcher=searcher)

    def __serve_build_asgi_app__(self) -> App:
        measures = Measures(also=_cluster_measures())
        guarded = Guard(
            create_app(self.service, self.options, measures),
            keys=read_keys(self.options.http),
            body_bytes=self.options.limits.body_bytes,
            measures=measures,
        )
        return open_to(self.options.http.allowed_origins, guarded)


def _cluster_measures() -> Callable[[str, int, float], None]:
    """Return what counts requests among Ray's metrics, where all fronts come together."""
    requests = Counter("samesense_requests", "Requests.", tag_keys=("path", "status"))
    answered = Histogram(
        "samesense_request_seconds",
        "Time to the whole answer.",
        boundaries=list(SECONDS),
        tag_keys=("path",),
    )

    def note(path: str, status: int, seconds: float) -> None:
        requests.inc(tags={"path": path, "status": str(status)})
        answered.observe(seconds, tags={"path": path})

    return note
