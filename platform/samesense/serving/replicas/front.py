"""HTTP: reads requests, has them served by the other deployments, writes answers."""

from collections.abc import Mapping
from typing import Any

from ray import serve

from samesense.serving.guard import Guard
from samesense.serving.keys import read_keys
from samesense.serving.measure import Measures
from samesense.serving.options import ServeOptions
from samesense.serving.routes import create_app
from samesense.serving.service import Service


@serve.ingress()
class Front:
    """The deployment that callers reach."""

    def __init__(
        self,
        options: ServeOptions,
        renderer: Any,
        embedders: Mapping[str, Any],
        searcher: Any,
    ) -> None:
        """Serve by these deployments."""
        self.options = options
        self.service = Service(options, renderer=renderer, embedders=embedders, searcher=searcher)

    def __serve_build_asgi_app__(self) -> Guard:
        measures = Measures()
        return Guard(
            create_app(self.service, self.options, measures),
            keys=read_keys(self.options.http),
            body_bytes=self.options.limits.body_bytes,
            measures=measures,
        )
