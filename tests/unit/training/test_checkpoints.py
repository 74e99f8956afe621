import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import torch
from moto.server import ThreadedMotoServer

from samesense.core.errors import TrainingError
from samesense.training.checkpoints import Checkpoints
from samesense.training.state import TrainState


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "user")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="runs")
        yield "s3://runs"
    server.stop()


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "stage")
    bucket: str = request.getfixturevalue("bucket")
    return f"{bucket}/{tmp_path.name}/stage"


def state(value: float) -> TrainState:
    weights, first, second = (
        {"align.up.weight": torch.full((2, 3), value), "temperature.s": torch.tensor(value)}
        for _ in range(3)
    )
    moments = {"exp_avg": first, "exp_avg_sq": second}
    return TrainState(weights=weights, moments=moments, updates=7)


def steps(checkpoints: Checkpoints) -> list[int]:
    return sorted(record.step for record in checkpoints.records())


def test_what_is_written_is_read_back(uri: str) -> None:
    checkpoints = Checkpoints(uri, keep_last=2)
    assert checkpoints.newest() is None
    checkpoints.write(state(0.1), step=10, score=0.5)
    found = checkpoints.newest()
    assert found is not None
    assert (found.record.step, found.record.score, found.state.updates) == (10, 0.5, 7)
    for part in (found.state.weights, *found.state.moments.values()):
        assert torch.equal(part["align.up.weight"], torch.full((2, 3), 0.1))
        assert torch.equal(part["temperature.s"], torch.tensor(0.1))


def test_the_last_ones_and_the_best_one_stay(uri: str) -> None:
    checkpoints = Checkpoints(uri, keep_last=2)
    for step, score in ((1, 0.2), (2, 0.9), (3, None), (4, 0.9), (5, 0.3), (6, None)):
        checkpoints.write(state(step), step=step, score=score)
    assert steps(checkpoints) == [2, 5, 6]
    newest, chosen = checkpoints.newest(), checkpoints.chosen()
    assert newest is not None
    assert newest.record.step == 6
    assert chosen is not None
    assert chosen.record.step == 2  # of two equals the earlier


def test_without_scores_the_last_one_is_chosen(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), keep_last=1)
    for step in (1, 2, 3):
        checkpoints.write(state(step), step=step, score=None)
    chosen = checkpoints.chosen()
    assert chosen is not None
    assert chosen.record.step == 3
    assert steps(checkpoints) == [3]


def damage(folder: Path, how: str) -> None:
    tensors, record = folder / "state.safetensors", folder / "checkpoint.json"
    match how:
        case "short":
            tensors.write_bytes(tensors.read_bytes()[:-1])
        case "flipped":
            data = bytearray(tensors.read_bytes())
            data[-1] ^= 1
            tensors.write_bytes(data)
        case "gone":
            tensors.unlink()
        case "no record":
            record.unlink()
        case "half a record":
            record.write_text(record.read_text()[:20])
        case "foreign":
            record.write_text(json.dumps({"step": "many"}))


@pytest.mark.parametrize(
    "how", ["short", "flipped", "gone", "no record", "half a record", "foreign"]
)
def test_a_checkpoint_that_is_not_whole_is_never_taken(tmp_path: Path, how: str) -> None:
    checkpoints = Checkpoints(str(tmp_path), keep_last=3)
    checkpoints.write(state(1), step=1, score=0.1)
    checkpoints.write(state(2), step=2, score=0.9)
    damage(tmp_path / "step-00000002", how)
    for found in (checkpoints.newest(), checkpoints.chosen()):
        assert found is not None
        assert found.record.step == 1


def test_weights_that_are_no_numbers_are_refused_and_the_last_ones_stay(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), keep_last=2)
    checkpoints.write(state(1), step=1, score=None)
    with pytest.raises(TrainingError, match=r"step 2: the weights of align\.up\.weight"):
        checkpoints.write(state(float("nan")), step=2, score=None)
    assert steps(checkpoints) == [1]


def test_a_full_disk_is_told_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    import signal

    checkpoints = Checkpoints(str(tmp_path), keep_last=2)
    checkpoints.write(state(1), step=1, score=None)
    large = TrainState(weights={"w": torch.ones(100_000)}, moments={}, updates=2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(TrainingError, match=r"step 2 cannot be written: .*--resume"):
            checkpoints.write(large, step=2, score=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    found = checkpoints.newest()
    assert found is not None
    assert found.record.step == 1


def test_a_bucket_that_is_not_there_is_told(bucket: str) -> None:
    with pytest.raises(TrainingError, match=r"step 1 cannot be written: .*NO_SUCH_BUCKET"):
        Checkpoints("s3://absent-bucket/run", keep_last=2).write(state(1), step=1, score=None)
