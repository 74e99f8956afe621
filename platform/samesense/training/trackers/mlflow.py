"""MLflow, an extra: one run of the experiment ``samesense`` for each run folder.

Numbers travel in batches from a thread of MLflow's own, so that a slow server slows no step.
"""

import importlib.util
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samesense.core.errors import ConfigError
from samesense.core.options import flat

EXPERIMENT = "samesense"
RUN_FILE = "mlflow_run.txt"
"""Holds the id of the run, by which a resumed run goes on with it."""
SEND_EVERY_S = 5.0
MOST_METRICS_AT_ONCE, MOST_PARAMS_AT_ONCE = 1000, 100
FORBIDDEN = re.compile(r"[^\w\-. :/]")


class Mlflow:
    """Sends each number as the metric ``stage/name``, and the job's configuration once.

    Raises:
        ConfigError: if the server cannot be reached or the address is none of MLflow's.
    """

    def __init__(self, run: Path, *, uri: str, stage: str, config: Mapping[str, Any]) -> None:
        # Its reports to its makers are the user's to allow.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        self._stage = stage
        self._waiting: list[Any] = []
        self._sent: list[Any] = []
        self._last_sent = time.monotonic()
        try:
            self._client = MlflowClient(tracking_uri=uri)
            self._run_id = self._find_run(run, config)
        except MlflowException as error:
            raise ConfigError(f"tracking.mlflow: {uri}: {error}") from None

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Take the step's numbers; they are sent every few seconds."""
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        self._waiting += [
            Metric(FORBIDDEN.sub("_", f"{self._stage}/{name}"), value, now_ms, step)
            for name, value in values.items()
            if value is not None
        ]
        due = time.monotonic() - self._last_sent >= SEND_EVERY_S
        if due or len(self._waiting) >= MOST_METRICS_AT_ONCE:
            self._send()

    def close(self) -> None:
        """Send what is left and tell on stderr what the server did not take."""
        self._send()
        faults = []
        for batch in self._sent:
            try:
                batch.wait()
            except Exception as error:  # a tracker that fails must not fail the training
                faults.append(error)
        if faults:
            lost = f"{len(faults)} of {len(self._sent)} batches were not recorded"
            print(f"MLflow: {lost}: {faults[0]}", file=sys.stderr, flush=True)

    def _send(self) -> None:
        self._last_sent = time.monotonic()
        for start in range(0, len(self._waiting), MOST_METRICS_AT_ONCE):
            batch = self._waiting[start : start + MOST_METRICS_AT_ONCE]
            self._sent.append(self._client.log_batch(self._run_id, batch, synchronous=False))
        self._waiting = []

    def _find_run(self, run: Path, config: Mapping[str, Any]) -> str:
        record = run / RUN_FILE
        if record.is_file():
            return record.read_text(encoding="utf-8").strip()
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        experiment_id = (
            experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)
        )
        run_id: str = self._client.create_run(experiment_id, run_name=run.name).info.run_id
        self._log_config(run_id, config)
        record.write_text(run_id + "\n", encoding="utf-8")
        return run_id

    def _log_config(self, run_id: str, config: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(FORBIDDEN.sub("_", k), json.dumps(v)) for k, v in flat(config).items()]
        for start in range(0, len(params), MOST_PARAMS_AT_ONCE):
            batch = params[start : start + MOST_PARAMS_AT_ONCE]
            self._client.log_batch(run_id, params=batch)


def check_installed() -> None:
    """Refuse a job that is to be tracked by an MLflow that is not there.

    Raises:
        ConfigError: telling how to install it.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise ConfigError(
            "MLflow is not installed; `pip install 'samesense[mlflow]'`, or set tracking.mlflow "
            "to null"
        )
