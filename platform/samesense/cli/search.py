"""``samesense search``: one query against many domains."""

from pathlib import Path

import typer


def search(
    index: str = typer.Option(..., help="Name of the index."),
    model: str = typer.Option(..., help="Folder of the training run that the index was made with."),
    image: Path | None = typer.Option(None, help="Search by this image."),
    text: str | None = typer.Option(None, help="Search by these words."),
    domains: list[str] = typer.Option(
        [], help="Search only this domain; may be given again. Default: all."
    ),
    limit: int = typer.Option(10, min=1, max=1000, help="How many hits."),
    grid: Path | None = typer.Option(None, help="Also draw the hits into this PNG."),
    milvus: str = typer.Option("runs/milvus.db", help="A local file, or the address of a server."),
) -> None:
    """Find the same thing in any domain, by image or by text.

    Example: `samesense search --index demo --model runs/demo --image sketch.png --grid hits.png`
    """
    from samesense.core.errors import ConfigError

    if (image is None) == (text is None):
        raise ConfigError("search: give either --image FILE or --text WORDS")

    from samesense.artefact.folder import load_encoder
    from samesense.cli.pictures import load_picture
    from samesense.cli.tables import print_hits
    from samesense.evaluation.report.grid import draw_grid
    from samesense.index.store import open_store
    from samesense.search.query import search as search_index

    picture = load_picture(image) if image is not None else None
    encoder = load_encoder(model)
    z_QD = encoder.embed_images([picture]) if picture else encoder.embed_texts([text or ""])
    with open_store(milvus) as store:
        hits = search_index(
            store,
            index=index,
            z_QD=z_QD,
            domains=domains or None,
            limit=limit,
            fingerprint=encoder.fingerprint,
        )[0]
    print_hits(hits)
    if grid is not None:
        captions = [(load_picture(h.uri), f"{h.domain} {h.label} {h.score:.2f}") for h in hits]
        shown = [(drawn, caption, None) for drawn, caption in captions]
        draw_grid(picture or (text or ""), hits=shown).save(grid)
        print(f"grid  {grid}")
