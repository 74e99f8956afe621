"""TensorBoard's files, read record by record as TensorBoard reads them."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from samesense.training.trackers.tensorboard import TensorBoard


def events(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            yield Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length


def shown(folder: Path) -> dict[str, dict[int, float]]:
    """Tag → step → value, where a start hides what came before it at its step and later."""
    curves: dict[str, dict[int, float]] = {}
    for event in events(folder):
        if event.session_log.status == SessionLog.START:
            curves = {
                tag: {s: v for s, v in curve.items() if s < event.step}
                for tag, curve in curves.items()
            }
        for value in event.summary.value:
            curves.setdefault(value.tag, {})[event.step] = value.simple_value
    return curves


def test_a_resumed_stage_hides_what_a_killed_run_left(tmp_path: Path) -> None:
    for first, last, loss in ((0, 6, 1.0), (3, 5, 2.0)):
        board = TensorBoard(tmp_path, stage="align", first_step=first)
        for step in range(first, last):
            board.write(step, {"loss": loss, "loss/info_nce": 0.5, "alignment": None})
        board.close()
    curves = shown(tmp_path / "tensorboard" / "align")
    assert curves["loss"] == {0: 1.0, 1: 1.0, 2: 1.0, 3: 2.0, 4: 2.0}
    assert curves["loss/info_nce"][4] == pytest.approx(0.5)
    assert "alignment" not in curves
