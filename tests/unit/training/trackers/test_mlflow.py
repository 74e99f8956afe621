"""MLflow, with a store of its own in a folder."""

import sys
from pathlib import Path

import pytest

from samesense.core.errors import ConfigError
from samesense.training.options import TrackingOptions
from samesense.training.tracking import check_trackers, track_stage

mlflow = pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "store").as_uri()


def test_a_resumed_run_goes_on_in_the_same_run(tmp_path: Path, uri: str) -> None:
    options = TrackingOptions(tensorboard=False, mlflow=uri)
    for first, last in ((0, 2), (2, 3)):
        config = {"seed": 3, "recipe": {"stages": [{"steps": 3}]}}
        with track_stage(
            tmp_path / "run",
            stage="align",
            first_step=first,
            rank=0,
            options=options,
            config=config,
        ) as tracked:
            for step in range(first, last):
                tracked.write(step, {"validation mAP@200": step / 2, "alignment": None})
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("samesense")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "run"
    assert run.data.params == {"seed": "3", "recipe.stages.0.steps": "3"}
    points = client.get_metric_history(run.info.run_id, "align/validation mAP_200")
    assert sorted((point.step, point.value) for point in points) == [(0, 0.0), (1, 0.5), (2, 1.0)]


def test_an_address_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    options = TrackingOptions(tensorboard=False, mlflow="http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"tracking\.mlflow: http://127\.0\.0\.1:9: "):
        track_stage(tmp_path, stage="align", first_step=0, rank=0, options=options, config={})


def test_a_missing_package_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"pip install 'samesense\[mlflow\]'"):
        check_trackers(TrackingOptions(mlflow="http://127.0.0.1:9"))
