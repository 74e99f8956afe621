"""Joining the Ray cluster that is there, or starting a local one for the length of a command."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samesense.core.errors import ConfigError, Fault

SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""The variable by which Ray tells the driver of a submitted job its runtime environment."""
LOCAL_OBJECT_STORE_BYTES = 1 << 30
LOCAL_SETTINGS = {
    # Short runs should not wait for a cluster's slow heart-beats, nor ask a dashboard that is off.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_ENABLE_STATE_ACTOR_RECONCILIATION": "0",
    # With few cores Ray ends processes that idle for a second, which then load everything anew.
    "RAY_idle_worker_killing_time_threshold_ms": "60000",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    # Looking after a handful of processes ten times a second takes CPU from their forwards.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "samesense.serving.again.middlewares",
}


def refuse_lost_paths(**paths: str) -> None:
    """Refuse what a submitted job would write into its own copy of the working directory.

    Ray deletes that copy. Addresses, such as ``http://...``, and what is empty are not looked at.
    Outside of a submitted job any path will do.

    Raises:
        ConfigError: naming the option whose path is relative.
    """
    if SUBMITTED not in os.environ:
        return
    for name, path in paths.items():
        if path and "://" not in path and not Path(path).is_absolute():
            message = (
                f"'{path}' is relative, and a submitted job runs in a copy of the working "
                "directory that Ray deletes; give an absolute path on storage that all nodes share"
            )
            raise ConfigError(Fault((name,), message))


@contextmanager
def cluster() -> Iterator[None]:
    """Connect to the cluster of ``RAY_ADDRESS`` (``ray job submit`` sets it), or start a local Ray.

    A local Ray ends with the command. Its nodes know each other by the loopback address, but its
    processes listen on every address of the machine, which no setting of Ray changes. So it answers
    nobody without the user's token, as Ray decides by itself unless ``RAY_AUTH_MODE`` is set.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data

    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False

    if ray.is_initialized():
        yield
        return
    # What workers say stays in Ray's log files; failures and progress reach the driver anyway.
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        os.environ.update(LOCAL_SETTINGS | os.environ)
        ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=LOCAL_OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            **quiet,
        )
    try:
        yield
    finally:
        ray.shutdown()
