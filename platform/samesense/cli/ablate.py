"""``samesense ablate``: variants of a recipe, over held-out domains and seeds, as one table."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samesense.experiments.ablation import Failed
    from samesense.experiments.options import AblateJob
    from samesense.experiments.trial import Trial

TABLE = "table.md"


def ablate(
    config: Path = typer.Option(
        ..., "--config", "-c", help="An ablation, such as jobs/configs/ablate_structure.yaml."
    ),
    overrides: list[str] = typer.Option(
        [], "--set", help="Replace one value, as key.path=value; may be given again."
    ),
    fresh: bool = typer.Option(
        False, "--fresh", help="Remove the runs in `out`, if there are any, and start over."
    ),
) -> None:
    """Train every variant without each domain, with each seed, and compare them in one table.

    Runs share the cache of tower vectors, and go side by side where the machine allows it. Stopped
    or killed, the same command goes on: finished runs stay, others go on from their checkpoint.

    Example: `samesense ablate -c jobs/configs/ablate_structure.yaml --set corpus.uri=photos/`
    """
    from samesense.cli.cluster import cluster, refuse_lost_paths
    from samesense.cli.tables import report_scan
    from samesense.core.config import load_located
    from samesense.core.errors import blame
    from samesense.corpus.scan import list_domains, scan
    from samesense.corpus.splits import check_folds
    from samesense.experiments.options import AblateJob
    from samesense.experiments.variants import variant_recipes
    from samesense.recipe.load import find_recipe

    loaded = load_located(config, kind=AblateJob, overrides=overrides, find_base=find_recipe)
    job = loaded.options
    with loaded.places.locate():
        refuse_lost_paths(out=job.out, cache=job.cache)
        with blame("corpus"):
            check_folds(job.corpus.held_out, domains=list_domains(job.corpus.uri))
        variant_recipes(job)

        from samesense.experiments.ablation import (
            check_trials,
            forget_runs,
            plan_trials,
            run_ablation,
        )
        from samesense.training.stop import signals_interrupt

        found = scan(job.corpus.uri, limits=job.corpus.limits)
        report_scan(found, rejections=Path(job.out) / "rejections.parquet")
        planned = plan_trials(job, manifest=found.manifest)
        start: Literal["fresh", "resume"] = "fresh" if fresh else "resume"
        trials = check_trials(planned, manifest=found.manifest, start=start)
    if fresh:
        forget_runs(trials)
    try:
        with cluster(), signals_interrupt():
            failed = run_ablation(job, trials, manifest=found.manifest)
    except KeyboardInterrupt:
        raise _stopped(trials) from None
    _tell(job, trials)
    _refuse(failed)


def _stopped(trials: "Sequence[Trial]") -> Exception:
    from samesense.core.errors import StoppedError

    done = sum(trial.outcome() is not None for trial in trials)
    again = "the same command, without --fresh, goes on"
    return StoppedError(f"stopped; {done} of {len(trials)} runs are done; {again}")


def _tell(job: "AblateJob", trials: "Sequence[Trial]") -> None:
    """Write the rows and the table of the variants all of whose runs are finished."""
    from samesense.core.storage import write_text_atomically
    from samesense.evaluation.ablation import Ablation, write_ablation
    from samesense.evaluation.ablation_table import ablation_table

    outcomes = {
        name: [trial.outcome() for trial in trials if trial.variant == name]
        for name in job.variants
    }
    whole = {
        name: [outcome for outcome in found if outcome is not None]
        for name, found in outcomes.items()
        if None not in found
    }
    if not whole:
        return
    ablation = Ablation(
        name=Path(job.out).name,
        reference=job.reference,
        parameters={name: found[0].trained_parameters for name, found in whole.items()},
        rows={
            name: [row for outcome in found for row in outcome.rows]
            for name, found in whole.items()
        },
    )
    table, page = ablation_table(ablation), Path(job.out) / TABLE
    results = write_ablation(Path(job.out), ablation)
    write_text_atomically(page, table + "\n")
    print(f"\n{table}\n\n* beyond the spread over seeds\nresults  {results}\ntable    {page}")


def _refuse(failed: "Sequence[Failed]") -> None:
    from samesense.core.errors import TrainingError

    if failed:
        told = "\n".join(f"  {run.trial.name}: {run.why}" for run in failed)
        raise TrainingError(
            f"{len(failed)} runs failed; their variants are not in the table. The same command "
            f"tries them again:\n{told}"
        )
