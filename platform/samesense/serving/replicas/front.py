"""HTTP on a cluster: reads requests, has them served by the other parts, writes answers."""

from ray import serve

from samesense.serving.guard import App
from samesense.serving.http_app import build_http_app
from samesense.serving.options import ServeOptions
from samesense.serving.parts import Parts


@serve.ingress()
class Front:
    """The deployment that callers reach through Ray Serve's proxy."""

    def __init__(self, options: ServeOptions, parts: Parts) -> None:
        """Serve by these parts."""
        self.options, self.service = options, parts.service(options)

    def __serve_build_asgi_app__(self) -> App:
        return build_http_app(self.service, self.options)
