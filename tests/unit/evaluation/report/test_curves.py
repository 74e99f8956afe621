"""Curves of runs: what is averaged, and a picture that holds every metric."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samesense.evaluation.report.curves import Curves, draw_curves, smoothed, write_curves


def run(name: str, *, steps: int, offset: float = 0.0) -> Curves:
    loss = [(step, 1 / (step + 1) + offset) for step in range(steps)]
    return Curves(
        name=name,
        values={"loss": loss, "gradient_norm": loss, "alignment": loss[::10]},
        stages={"first": 0, "second": steps // 2},
    )


def test_a_mean_is_taken_around_each_value_and_cut_at_the_ends() -> None:
    values_N = np.arange(100, dtype=np.float64) ** 2
    mean_N, window = smoothed(values_N)
    assert window == 3
    assert mean_N[0] == pytest.approx((0 + 1) / 2)
    assert mean_N[10] == pytest.approx((81 + 100 + 121) / 3)
    assert mean_N[99] == pytest.approx((98**2 + 99**2) / 2)
    short_N, window = smoothed(values_N[:49])
    assert window == 1
    assert np.array_equal(short_N, values_N[:49])


def test_every_metric_has_a_panel_and_every_run_a_line_and_a_name() -> None:
    runs = [run("low", steps=100), run("high", steps=40, offset=1.0)]
    figure = draw_curves(runs)
    visible = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in visible] == [
        "loss",
        "alignment (lower: closer)",
        "gradient norm",
    ]
    assert len({line.get_color() for line in visible[1].lines}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["low", "high"]
    low, high = visible[0].get_ylim()
    assert low < 1 / 100
    assert high > 2


def test_one_run_is_written_as_a_png_with_its_stages(tmp_path: Path) -> None:
    alone = run("alone", steps=100)
    panel = draw_curves([alone]).axes[0]
    assert [text.get_text().strip() for text in panel.texts] == ["second"]
    write_curves(tmp_path / "curves.png", runs=[alone])
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
