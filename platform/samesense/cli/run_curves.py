"""From the lines of training runs to curves that can be drawn."""

from collections.abc import Sequence

from samesense.cli.run_tables import names
from samesense.evaluation.report.curves import Curves
from samesense.training.runs import Run


def curves(runs: Sequence[Run]) -> list[Curves]:
    """Return what the runs measured, with steps counted through all stages."""
    drawn = []
    for name, run in zip(names(runs), runs, strict=True):
        values: dict[str, list[tuple[int, float]]] = {}
        starts: dict[str, int] = {}
        for place, stage in enumerate(run.stages):
            first = sum(before.steps for before in run.stages[:place])
            starts |= {stage.name: first} if stage.lines else {}
            for metric in stage.metrics():
                points = [(first + step, value) for step, value in stage.values(metric)]
                values.setdefault(metric, []).extend(points)
        drawn.append(Curves(name=name, values=values, stages=starts))
    return drawn
