"""What is shown while one waits."""

import sys

import pytest

from samesense.core import progress as module
from samesense.core.progress import duration, progress


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    return clock


def test_a_log_gets_a_line_now_and_then_with_the_rate_of_the_last_half_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress(total=1000, what="train", done=100) as advance:
        clock.now += 100  # a slow start
        for _ in range(40):
            clock.now += 1
            advance(10, note="loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0] == "train: 110/1000  0.1/s  1 min 41 s gone, 2 h 29 min left  loss 0.5"
    assert lines[-1] == "train: 500/1000  10.0/s  2 min 20 s gone, 50 s left  loss 0.5"


def test_nothing_done_for_long_is_told_as_waiting(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress(total=10, what="train") as advance:
        advance(5)
        for _ in range(60):
            clock.now += 1
            advance(0)
    assert capsys.readouterr().err.splitlines()[-1] == "train: 5/10  0.0/s  1 min 0 s gone, waiting"


def test_waiting_for_the_first_does_not_lower_the_rate(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress(total=100, what="train") as advance:
        for count in (0, 0, 20, 20):
            clock.now += 5
            advance(count)
    assert "4.0/s  20 s gone, 15 s left" in capsys.readouterr().err.splitlines()[-1]


def test_a_terminal_gets_a_bar_with_rate_and_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with progress(total=100, what="train") as advance:
        clock.now += 10
        advance(50, note="8 images/s")
    shown = capsys.readouterr().err
    assert "50/100" in shown
    assert "5.0/s  10 s gone, 10 s left  8 images/s" in shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7.6, "8 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (180_000, "2 d 2 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
