"""``samesense search``: one query against many domains."""

from pathlib import Path

import typer


def search(
    index: str = typer.Option(..., help="Name of the index."),
    image: Path | None = typer.Option(None, help="Search by this image."),
    text: str | None = typer.Option(None, help="Search by these words."),
    domains: list[str] = typer.Option(
        [], help="Search only these domains: `sketch,photo`; may be given again. Default: all."
    ),
    limit: int = typer.Option(10, min=1, max=1000, help="How many hits."),
    grid: Path | None = typer.Option(
        None, help="Also draw the hits into this picture, such as hits.png."
    ),
    milvus: str = typer.Option("runs/milvus.db", help="A local file, or the address of a server."),
    model: str | None = typer.Option(
        None, help="Folder of the model that the index was made with, if it has moved since."
    ),
) -> None:
    """Find the same thing in any domain, by image or by text.

    Example: `samesense search --index photos --image sketch.png --grid hits.png`
    """
    from samesense.core.errors import ConfigError

    if (image is None) == (text is None):
        raise ConfigError("search: give either --image FILE or --text WORDS")
    if text is not None and not text.strip():
        raise ConfigError("search: --text holds no words")
    wanted = [name.strip() for group in domains for name in group.split(",")]
    if not all(wanted):
        raise ConfigError(f"search: --domains '{','.join(domains)}': a name is empty")

    from samesense.artefact.folder import load_encoder
    from samesense.cli.pictures import load_picture, picture_format, write_picture
    from samesense.cli.tables import print_hits
    from samesense.corpus.thumbnails import thumbnail
    from samesense.evaluation.report.grid import TILE_PX, draw_grid
    from samesense.index.store import open_store
    from samesense.search.query import search as search_index

    if grid is not None:
        picture_format(grid)
    picture = load_picture(image) if image is not None else None
    with open_store(milvus, must_exist=True) as store:
        encoder = load_encoder(model or store.model_folder(index))
        z_QD = encoder.embed_images([picture]) if picture else encoder.embed_texts([text or ""])
        hits = search_index(
            store,
            index=index,
            z_QD=z_QD,
            domains=wanted or None,
            limit=limit,
            fingerprint=encoder.fingerprint,
        )[0]
    print_hits(hits)
    if grid is not None:
        tiles = [thumbnail(hit.uri, side_px=TILE_PX) for hit in hits]
        captions = [f"{hit.domain} {hit.label} {hit.score:.2f}" for hit in hits]
        shown = [(tile, caption, None) for tile, caption in zip(tiles, captions, strict=True)]
        write_picture(draw_grid(picture or (text or ""), hits=shown), grid)
        print(f"grid  {grid}")
