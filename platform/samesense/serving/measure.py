"""What a process of the front counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measures:
    """Requests by path and status, and how long they took."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, *, also: Callable[[str, int, float], None] | None = None) -> None:
        """Start at zero; ``also`` is told path, status and seconds of every request."""
        self._also = also
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "samesense_requests", "Requests.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "samesense_request_seconds",
            "Time to the whole answer.",
            ["path"],
            buckets=SECONDS,
            registry=self._registry,
        )

    def note(self, path: str, *, status: int, seconds: float) -> None:
        """Count one request; ``path`` is that of the route, not of the caller."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)
        if self._also is not None:
            self._also(path, status, seconds)

    def text(self) -> str:
        """Return all counters in Prometheus' text form."""
        return generate_latest(self._registry).decode()
