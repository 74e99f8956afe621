"""``samesense train``: a recipe and a corpus to an artefact."""

from pathlib import Path

import typer


def train(
    config: Path = typer.Option(
        ..., "--config", "-c", help="A training job, such as jobs/configs/alignment.yaml."
    ),
    overrides: list[str] = typer.Option(
        [], "--set", help="Replace one value, as key.path=value; may be given again."
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Go on with the run in `out`, or start it if there is none."
    ),
    fresh: bool = typer.Option(
        False, "--fresh", help="Remove the run in `out`, if there is one, and start over."
    ),
) -> None:
    """Train the stages of a recipe on a corpus, with one domain held out.

    A run writes checkpoints. Ctrl-C, or `ray job stop`, stops it after the step that it is at; the
    same command with --resume goes on with the batch that was next.

    Example: `samesense train -c jobs/configs/alignment.yaml --set corpus.held_out=sketch --set
    recipe.blocks.align.kind=gated`
    """
    from samesense.cli.cluster import cluster, refuse_lost_paths
    from samesense.cli.splitting import check_names, split_corpus
    from samesense.core.config import load_located
    from samesense.core.errors import ConfigError, blame
    from samesense.recipe.load import find_recipe
    from samesense.recipe.wiring import check_wiring
    from samesense.training.options import TrainJob
    from samesense.training.record import Start

    if resume and fresh:
        raise ConfigError("--resume and --fresh: give one of them")
    start: Start = "resume" if resume else "fresh" if fresh else "new"
    loaded = load_located(config, kind=TrainJob, overrides=overrides, find_base=find_recipe)
    job = loaded.options
    with loaded.places.locate():
        refuse_lost_paths(out=job.out, cache=job.cache)
        with blame("recipe"):
            check_wiring(job.recipe)
        check_names(job)

        from samesense.experiments.training import train_on
        from samesense.training.checks import check_data, check_job

        check_job(job, start=start)
        manifest = split_corpus(job)
        check_data(job, manifest=manifest, start=start)
        with cluster():
            trained = train_on(job, manifest, start=start)
    print(f"trained {trained.trained_parameters:,} parameters in {trained.seconds:.0f} s")
    for name, value in trained.artefact.record.metrics.items():
        print(f"{name}  {value:.4f}")
    print(f"model    {trained.artefact.folder}")
    print(f"metrics  {Path(job.out) / 'metrics.jsonl'}")
    print(f"next     samesense evaluate --model {job.out} --corpus {job.corpus.uri}")
