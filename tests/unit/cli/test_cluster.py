"""A submitted job keeps what it writes, or says that it would not."""

import pytest

from samesense.cli.cluster import SUBMITTED, refuse_lost_paths
from samesense.core.errors import ConfigError


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SUBMITTED, "{}")


def test_a_submitted_job_refuses_the_first_relative_path(submitted: None) -> None:
    with pytest.raises(ConfigError, match=r"^cache: 'runs/cache' is relative, .* absolute path"):
        refuse_lost_paths(out="/shared/runs/one", cache="runs/cache", milvus="milvus.db")


def test_a_submitted_job_takes_absolute_paths_and_addresses(submitted: None) -> None:
    refuse_lost_paths(out="/shared/runs/one", milvus="http://milvus:19530")


def test_elsewhere_relative_paths_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SUBMITTED, raising=False)
    refuse_lost_paths(out="runs/one")
