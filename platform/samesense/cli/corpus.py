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
