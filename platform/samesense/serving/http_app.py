"""The service as callers reach it: its paths behind the checks that every request passes."""

from collections.abc import Callable

from ray.util.metrics import Counter, Histogram

from samesense.serving.guard import App, Guard, open_to
from samesense.serving.keys import read_keys
from samesense.serving.measure import SECONDS, Measures
from samesense.serving.options import ServeOptions
from samesense.serving.places import Places
from samesense.serving.routes import create_app
from samesense.serving.service import Service


def build_http_app(service: Service, options: ServeOptions) -> App:
    """Return an ASGI application, for a process that is part of a cluster.

    Raises:
        ConfigError: if the file of keys cannot be read.
    """
    measures = Measures(also=_cluster_measures())
    guarded = Guard(
        Places(create_app(service, options, measures), places=options.limits.waiting),
        keys=read_keys(options.http),
        body_bytes=options.limits.body_bytes,
        measures=measures,
    )
    return open_to(options.http.allowed_origins, guarded)


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
