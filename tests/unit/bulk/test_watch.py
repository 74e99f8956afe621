import socket
from pathlib import Path

import pytest

from samesense.bulk.watch import METRICS_FILE, Watch
from samesense.core.errors import BulkError, ConfigError, WriteError


def test_progress_is_written_for_prometheus(tmp_path: Path) -> None:
    with Watch(tmp_path / "out", rows=9, finished=4, port=None):
        pass
    told = (tmp_path / "out" / METRICS_FILE).read_text()
    assert "samesense_bulk_listed_rows 9.0" in told
    assert "samesense_bulk_rows_left 5.0" in told


def test_metrics_that_cannot_be_written_hide_no_other_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(WriteError, match=r"metrics.prom: cannot be written"),
        Watch(tmp_path / "file", rows=1, finished=0, port=None),
    ):
        pass
    with (
        pytest.raises(BulkError, match="the cause"),
        Watch(tmp_path / "file", rows=1, finished=0, port=None),
    ):
        raise BulkError("the cause")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"metrics_port: port {port} cannot be opened: Addr"):
            Watch(tmp_path, rows=1, finished=0, port=port)
