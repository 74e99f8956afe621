"""The deployments of a service, joined."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ray import serve

from samesense.artefact.folder import load_artefact
from samesense.core.errors import ConfigError, Fault
from samesense.index.connection import is_server
from samesense.serving.errors import RETRY_AFTER_S
from samesense.serving.keys import read_keys
from samesense.serving.options import DRAIN_S, ModelOptions, ReplicaOptions, ServeOptions
from samesense.serving.parts import Parts
from samesense.serving.replicas.embedder import Embedder, items_per_forward
from samesense.serving.replicas.front import Front
from samesense.serving.replicas.renderer import Renderer
from samesense.serving.replicas.searcher import SearcherReplica
from samesense.serving.served_model import Capacity
from samesense.training.device import on_gpu

FRONT_CPUS, RENDERER_CPUS, EMBEDDER_CPUS, SEARCHER_CPUS = 0.1, 0.2, 0.5, 0.1
HEALTH_PERIOD_S, HEALTH_TIMEOUT_S = 5, 30
KEPT_MEMORY = {
    # What one image frees serves the next. Given back to the system it would return page by page.
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 40),
    "MALLOC_ARENA_MAX": "1",
}


def check_options(options: ServeOptions) -> None:
    """Check all that can be checked before any resource is asked for.

    Raises:
        ConfigError: naming the option.
        ArtefactError: if a model's folder is none.
    """
    read_keys(options.http)
    if not options.models:
        raise ConfigError(Fault(("models",), "no model is given"))
    for model in options.models.values():
        load_artefact(model.folder)


def build_app(options: ServeOptions) -> Any:
    """Return the Ray Serve application of a service, for the cluster that this process is part of.

    Raises:
        ConfigError: naming the option at fault.
        ArtefactError: if a model's folder is none.
    """
    check_options(options)
    front = _deployment(Front, "front", options.front, options, cpus=FRONT_CPUS)
    return front.bind(options.without_models(), build_parts(options))


@contextmanager
def running_parts(options: ServeOptions) -> Iterator[Parts]:
    """Run all but the front on the cluster, each part by itself, and yield their handles."""
    parts = build_parts(options)
    # Of this service alone, whatever else the cluster runs.
    service = f"samesense-{uuid.uuid4().hex[:8]}"
    applications = {f"{service}-renderer": parts.renderer, f"{service}-searcher": parts.searcher}
    applications |= {
        f"{service}-{_embedder_name(name)}": one for name, one in parts.embedders.items()
    }
    try:
        renderer, searcher, *embedders = serve.run_many(
            [
                serve.RunTarget(application, name=name, route_prefix=None)
                for name, application in applications.items()
            ]
        )
        yield replace(
            parts,
            renderer=renderer,
            searcher=searcher,
            embedders=dict(zip(parts.embedders, embedders, strict=True)),
        )
    finally:
        for blocking in (False, True):  # all are told to end before any is waited for
            for name in applications:
                serve.delete(name, _blocking=blocking)


def build_parts(options: ServeOptions) -> Parts:
    """Return the deployments behind HTTP."""
    searchers = options.search if is_server(options.milvus) else ReplicaOptions(requests_each=1000)
    return Parts(
        renderer=_deployment(
            Renderer, "renderer", options.rendering, options, cpus=RENDERER_CPUS
        ).bind(options.limits),
        embedders={name: _embedder(name, model, options) for name, model in options.models.items()},
        capacities={name: _capacity(model, options) for name, model in options.models.items()},
        searcher=_deployment(
            SearcherReplica, "searcher", searchers, options, cpus=SEARCHER_CPUS
        ).bind(options.milvus, patience_s=options.patience_s),
    )


def _capacity(model: ModelOptions, options: ServeOptions) -> Capacity:
    return Capacity(
        renderers=options.rendering.most,
        embedders=model.replicas.most,
        items_per_forward=items_per_forward(model.forward, _device(model)),
        wait_s=model.forward.wait_s,
    )


def _device(model: ModelOptions) -> str:
    return "cuda" if on_gpu(model.device, processes=model.replicas.most) else "cpu"


def _embedder_name(model: str) -> str:
    return f"embedder-{model}"


def _embedder(name: str, model: ModelOptions, options: ServeOptions) -> Any:
    device = _device(model)
    deployment = _deployment(
        Embedder,
        _embedder_name(name),
        model.replicas,
        options,
        cpus=EMBEDDER_CPUS,
        gpus=int(device == "cuda"),
    ).options(user_config={"folder": model.folder})
    return deployment.bind(model.forward, device)


def _deployment(
    part: type,
    name: str,
    replicas: ReplicaOptions,
    options: ServeOptions,
    *,
    cpus: float,
    gpus: int = 0,
) -> Any:
    return serve.deployment(
        part,
        name=name,
        ray_actor_options={
            "num_cpus": cpus,
            "num_gpus": gpus,
            "runtime_env": {"env_vars": KEPT_MEMORY},
        },
        max_ongoing_requests=options.limits.waiting,
        max_queued_requests=options.limits.waiting,
        backpressure_config={"status_code": 429, "retry_after_s": RETRY_AFTER_S},
        autoscaling_config={
            "min_replicas": replicas.least,
            "max_replicas": replicas.most,
            "target_ongoing_requests": replicas.requests_each,
            "downscale_delay_s": replicas.idle_s,
        },
        health_check_period_s=HEALTH_PERIOD_S,
        health_check_timeout_s=HEALTH_TIMEOUT_S,
        graceful_shutdown_timeout_s=DRAIN_S,
        # The front writes a line for each request; Ray's own, for each call of a part, cost more.
        logging_config={"encoding": "JSON", "enable_access_log": False},
    )
