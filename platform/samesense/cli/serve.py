"""``samesense serve``: models and an index over HTTP, with a page to search by."""

from pathlib import Path

import typer


def serve(
    config: Path | None = typer.Option(
        None, "-c", "--config", help="YAML of the whole service; the options below replace values."
    ),
    overrides: list[str] = typer.Option(
        [], "--set", help="Replace a value: `limits.items=64`; may be given again."
    ),
    milvus: str | None = typer.Option(
        None, help="A local index (a folder), or the address of a Milvus server."
    ),
    model: list[str] = typer.Option(
        [],
        help="Serve the model in this folder, or NAME=FOLDER; may be given again. Default: the "
        "models that the indexes were built with.",
    ),
    host: str | None = typer.Option(None, help="Address to listen on. Default: 127.0.0.1."),
    port: int | None = typer.Option(None, help="Port to listen on. Default: 8000."),
) -> None:
    """Serve embeddings and search over HTTP, and the search page at `/`.

    After `samesense demo`: `samesense serve --milvus runs/demo/milvus.db`, then open
    http://127.0.0.1:8000. Ctrl-C ends it.
    """
    from samesense.core.config import given_options
    from samesense.serving.options import ServeOptions

    given = given_options(
        config,
        kind=ServeOptions,
        overrides=overrides,
        values={
            "milvus": milvus,
            "models": _models(model) or None,
            "http.host": host,
            "http.port": port,
        },
    )

    from samesense.cli.cluster import cluster
    from samesense.serving.run import run, with_models_of_index

    with given.places.locate():
        options = with_models_of_index(given.options)
    with cluster():
        run(options)


def _models(given: list[str]) -> dict[str, dict[str, str]]:
    models = {}
    for number, one in enumerate(given):
        name, mark, folder = one.partition("=")
        if not mark:
            name, folder = ("default" if number == 0 else Path(one).name), one
        models[name] = {"folder": folder}
    return models
