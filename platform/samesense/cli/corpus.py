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


@app.command("list")
def list_images(
    folder: str = typer.Argument(help="The data set, as it was unpacked: a folder or S3 prefix."),
    layout: str = typer.Option(
        ...,
        help="How it lies there: `domainnet`, `sketchy`, `tuberlin`, `pacs`, `vlcs`, `officehome` "
        "or `terraincognita`.",
    ),
    lists: Path | None = typer.Option(
        None, help="Folder of its own lists of training and test images, to split by them."
    ),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Where to write the manifest; by default corpus.csv in FOLDER."
    ),
) -> None:
    """Write a manifest of a public data set, which every command takes as a corpus.

    Example: `samesense corpus list data/VLCS --layout vlcs`, then `samesense corpus split
    data/VLCS/corpus.csv --rule lists --held-out SUN -o sun.json`
    """
    from collections import Counter

    from samesense.corpus.laid_out import lay_out, write_manifest
    from samesense.corpus.layouts import find_layout

    images = lay_out(folder, layout=find_layout(layout), lists=lists)
    path = out or Path(folder) / "corpus.csv"
    write_manifest(images, path)
    for domain, count in sorted(Counter(image.domain for image in images).items()):
        print(f"{domain:<16}{count:>9,}")
    print(f"manifest    {path}")


@app.command()
def split(
    corpus: str = typer.Argument(help="Folder `domain/class/file`, or a manifest."),
    out: Path = typer.Option(..., "--out", "-o", help="Where to write the split, as JSON."),
    held_out: list[str] = typer.Option([], help="A domain that no stage sees; may be given again."),
    held_out_classes: list[str] = typer.Option(
        [], help="A class that no stage sees, or a list of them (.txt, .npy); may be given again."
    ),
    rule: str = typer.Option(
        "clean",
        help="`clean`: parts by a hash of the content. `official`: as the reference code of UCDR "
        "draws it. `lists`: by the data set's own lists, which `corpus list` put in a manifest.",
    ),
    seed: int = typer.Option(0, help="Of rule `clean`: decides the parts."),
    train_classes: list[str] = typer.Option(
        [],
        help="Of rule `official`: training classes in their published order, as names or lists; "
        "by default all others, by name.",
    ),
    validation_classes: list[str] = typer.Option(
        [], help="Of rule `official`: classes that choose among weights, as names or lists."
    ),
    gallery_domain: str = typer.Option("", help="Of rule `official`: the domain searched."),
    seen_domain: str = typer.Option(
        "", help="Of rule `official`: the training domain whose unseen classes UcCDR asks."
    ),
) -> None:
    """Write a split that others can train on and evaluate by, and check it for leaks.

    Train with it as corpus.split; `samesense corpus leaks` looks for near-duplicates as well.

    Example: `samesense corpus split DomainNet/ --rule official --held-out sketch --seen-domain
    quickdraw --gallery-domain real --train-classes train_classes.npy --held-out-classes
    test_classes.npy -o sketch.json`
    """
    from samesense.cli.split_rules import RuleOptions, write_split
    from samesense.core.config import validated

    options = {
        "rule": rule,
        "held_out": tuple(held_out),
        "held_out_classes": tuple(held_out_classes),
        "seed": seed,
        "train_classes": tuple(train_classes),
        "validation_classes": tuple(validation_classes),
        "gallery_domain": gallery_domain,
        "seen_domain": seen_domain,
    }
    write_split(validated(RuleOptions, options), corpus=corpus, out=out)


@app.command()
def leaks(
    split: Path = typer.Argument(
        help="A split (.json), or a manifest with splits: `manifest.parquet` of a training run, or "
        "your own."
    ),
    corpus: str = typer.Option("", help="Where the images of a split (.json) are."),
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
    from samesense.core.errors import ConfigError, CorpusError
    from samesense.corpus.decode import DecodeLimits
    from samesense.corpus.leaks import find_leaks, write_leaks
    from samesense.corpus.manifest import Manifest
    from samesense.corpus.split_file import SplitFile

    is_shared = split.suffix == ".json"
    if is_shared != bool(corpus):
        needs = "says no location of its own: name its corpus" if is_shared else "says where it is"
        raise ConfigError(f"--corpus: {split} {needs}")
    manifest = SplitFile.read(split).manifest(corpus) if is_shared else Manifest.read(split)
    found = find_leaks(manifest, limits=DecodeLimits())
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
