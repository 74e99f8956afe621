"""``samesense runs``: how far training runs have come, and how they differ."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from samesense.training.runs import Run

app = typer.Typer(help="List, show and compare training runs.", no_args_is_help=True)

PLOT = typer.Option(None, "--plot", help="Also draw the curves into this PNG file.")


@app.command("list")
def list_runs(
    root: Path = typer.Argument(Path("runs"), help="Folder below which runs lie."),
) -> None:
    """List the training runs below a folder, finished or not.

    A run is *finished* once its model is written, *running* if it gave a sign in the last five
    minutes or its last ten steps, else *stopped*; one that embeds images or waits for a cluster
    gives none.

    Example: `samesense runs list runs`
    """
    from samesense.cli.run_tables import list_table
    from samesense.core.errors import TrainingError
    from samesense.training.runs import find_runs

    found = list(find_runs(root))
    if not found:
        raise TrainingError(f"{root}: holds no training run; make one with `samesense train`")
    print(list_table(found, root=root))


@app.command()
def show(
    run: Path = typer.Argument(help="Folder of a training run."),
    plot: Path | None = PLOT,
) -> None:
    """Show a run: its configuration, its stages, and every metric's latest value.

    Example: `samesense runs show runs/alignment --plot curves.png`
    """
    from samesense.cli.run_tables import run_page
    from samesense.training.runs import read_run

    found = read_run(run)
    print(run_page(found))
    if plot is not None:
        _plot([found], plot)


@app.command()
def compare(
    runs: list[Path] = typer.Argument(help="Folders of two or more training runs."),
    plot: Path | None = PLOT,
) -> None:
    """Compare runs: what differs in their configurations, and their metrics side by side.

    Example: `samesense runs compare runs/a runs/b --plot curves.png`
    """
    from samesense.cli.run_tables import comparison
    from samesense.core.errors import ConfigError
    from samesense.training.runs import read_run

    if len(runs) < 2:
        raise ConfigError("runs compare: name two or more runs; one alone is for `runs show`")
    found = [read_run(run) for run in runs]
    print(comparison(found))
    if plot is not None:
        _plot(found, plot)


def _plot(runs: list["Run"], path: Path) -> None:
    from samesense.cli.run_curves import curves
    from samesense.core.errors import ConfigError
    from samesense.evaluation.report.curves import write_curves

    if path.suffix.lower() != ".png":
        raise ConfigError(f"--plot {path}: curves are drawn as PNG; name a file that ends in .png")
    drawn = curves(runs)
    if not any(run.values for run in drawn):
        raise ConfigError(f"--plot {path}: no step has been taken yet, so there are no curves")
    write_curves(path, runs=drawn)
    print(f"\ncurves  {path}")
