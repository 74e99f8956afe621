"""A run goes on with the job that it was started with, also after an option was added."""

import json
from pathlib import Path

import pytest

from samesense.core.errors import ConfigError
from samesense.recipe.load import load_recipe
from samesense.training.options import TrainJob
from samesense.training.record import RECORD, check_run, checkpoint_root, claim_run


@pytest.fixture
def job(tmp_path: Path) -> TrainJob:
    corpus = {"uri": "photos", "held_out": "sketch"}
    return TrainJob(corpus=corpus, recipe=load_recipe("alignment"), out=str(tmp_path / "run"))


def test_a_run_of_before_an_option_was_there_goes_on(job: TrainJob) -> None:
    claim_run(job, manifest_hash="h", start="new")
    path = Path(checkpoint_root(job)) / RECORD
    record = json.loads(path.read_text())
    del record["job"]["corpus"]["held_out_classes"], record["job"]["corpus"]["split"]
    path.write_text(json.dumps(record))
    check_run(job, start="resume", manifest_hash="h")


def test_a_run_without_other_classes_is_another_one(job: TrainJob) -> None:
    claim_run(job, manifest_hash="h", start="new")
    corpus = job.corpus.model_copy(update={"held_out_classes": ("dog",)})
    with pytest.raises(ConfigError, match=r'corpus\.held_out_classes.*there, .*"dog".* now'):
        check_run(job.model_copy(update={"corpus": corpus}), start="resume")
