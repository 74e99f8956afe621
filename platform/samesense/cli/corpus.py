"""``samesense corpus``: what a corpus holds."""

from pathlib import Path

import typer

app = typer.Typer(help="Look into a corpus of images.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``scan`` a command of its own, however many there are."""


@app.command()
def scan(
    uri: str = typer.Argument(
        help="Folder `domain/class/file`, or a manifest (.parquet, .jsonl, .csv) with the columns "
        "uri, domain, label and optionally text."
    ),
    out: Path = typer.Option(
        Path("manifest.parquet"), "--out", "-o", help="Where to write the manifest."
    ),
) -> None:
    """Read every image of a corpus once; write a manifest, and a table of what was rejected.

    Example: `samesense corpus scan photos/ -o manifest.parquet`
    """
    from samesense.core.errors import ConfigError

    if out.suffix != ".parquet":
        raise ConfigError(f"--out {out}: a manifest is written as Parquet; name it *.parquet")

    from samesense.cli.tables import report_scan
    from samesense.corpus.scan import scan as scan_corpus

    found = scan_corpus(uri)
    report_scan(found, rejections=out.with_name(f"{out.stem}.rejections.parquet"))
    found.manifest.write(out)
    print(f"manifest    {out}")


@app.command()
def leaks(
    split: Path = typer.Argument(
        help="A manifest with splits: `manifest.parquet` of a training run, or your own."
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        "-o",
        help="CSV file for the pairs; by default leaks.csv beside it.",
    ),
) -> None:
    """Look for images that are learned from and asked as well, also as near-duplicates.

    Same bytes, and pictures that differ in size, compression or a touch of colour alone. Ends with
    an error if there are any.

    Example: `samesense corpus leaks runs/alignment/manifest.parquet`
    """
    from samesense.core.errors import CorpusError
    from samesense.corpus.decode import DecodeLimits
    from samesense.corpus.leaks import find_leaks, write_leaks
    from samesense.corpus.manifest import Manifest

    found = find_leaks(Manifest.read(split), limits=DecodeLimits())
    if not found:
        print("no image that is asked was learned from")
        return
    table = out or split.with_name("leaks.csv")
    write_leaks(table, found)
    first = found[0]
    raise CorpusError(
        f"{split}: {len(found)} pairs of one image that is learned from and one that is asked, "
        f"such as {first.learned} and {first.asked} ({first.kind}); all of them in {table}. Leave "
        "one of each out of the corpus, and split again"
    )
