"""The rules by which ``samesense corpus split`` splits."""

from collections import Counter
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from samesense.cli.tables import report_scan
from samesense.core.options import Options
from samesense.corpus.class_lists import read_classes
from samesense.corpus.laid_out import read_parts
from samesense.corpus.listed_split import listed_split
from samesense.corpus.manifest import Manifest
from samesense.corpus.published import Published, published_split
from samesense.corpus.scan import scan
from samesense.corpus.split_file import Head, Rule, SplitFile
from samesense.corpus.splits import leave_domains_out

OF_OFFICIAL = ("train_classes", "validation_classes", "gallery_domain", "seen_domain")


class RuleOptions(Options):
    """What the command line says of a split."""

    held_out: tuple[str, ...]
    """Domains."""
    held_out_classes: tuple[str, ...]
    """Classes, or lists of them."""
    seed: int = Field(ge=0)
    """Of rule ``clean``."""
    train_classes: tuple[str, ...]
    """Of rule ``official``; classes, or lists of them."""
    validation_classes: tuple[str, ...]
    """Of rule ``official``; classes, or lists of them."""
    gallery_domain: str
    """Of rule ``official``."""
    seen_domain: str
    """Of rule ``official``."""
    rule: Rule
    """Which rule."""

    @field_validator("rule")
    @classmethod
    def _fits_the_rest(cls, rule: Rule, info: ValidationInfo) -> Rule:
        told = info.data
        of_official = [name for name in OF_OFFICIAL if told.get(name)]
        if rule != "official" and of_official:
            raise ValueError(f"{of_official[0]} is of official, not of {rule}")
        if rule == "official" and not (told.get("gallery_domain") and told.get("seen_domain")):
            raise ValueError("official needs gallery_domain and seen_domain")
        if rule == "official" and not told.get("held_out_classes"):
            raise ValueError("official needs the test classes as held_out_classes")
        if rule == "official" and len(told.get("held_out", ())) > 1:
            raise ValueError("official holds out one domain or none")
        if rule == "lists" and told.get("held_out_classes"):
            raise ValueError("lists holds out domains alone")
        return rule


def write_split(rules: RuleOptions, *, corpus: str, out: Path) -> None:
    """Scan a corpus, split it, write the split, and print how many images are for what.

    Raises:
        CorpusError: if the corpus cannot be read or split so, or the split leaks.
        WriteError: if it cannot be written.
    """
    found = scan(corpus)
    report_scan(found, rejections=out.with_name(f"{out.stem}.rejections.parquet"))
    shared = split_by(rules, found.manifest, corpus=corpus)
    shared.write(out)
    for word, count in sorted(Counter(one.split for one in shared.images).items()):
        print(f"{word:<20}{count:>9,}")
    print(f"split       {out}")


def split_by(rules: RuleOptions, manifest: Manifest, *, corpus: str) -> SplitFile:
    """Split a scanned corpus by a rule, as a file to share.

    Raises:
        CorpusError: if it cannot be split so, or the split leaks.
    """
    classes = read_classes(rules.held_out_classes)
    made: dict[str, str | int | float] = {}
    match rules.rule:
        case "clean":
            made = {"seed": rules.seed}
            split = leave_domains_out(
                manifest, held_out=rules.held_out, seed=rules.seed, held_out_classes=classes
            )
        case "lists":
            split = listed_split(manifest, parts=read_parts(corpus), held_out=rules.held_out)
        case "official":
            who = _published(rules, manifest, test=classes)
            made = {"gallery_domain": who.gallery, "seen_domain": who.seen}
            made |= {"train_classes": ", ".join(who.train)}
            split = published_split(manifest, who=who)
    head = Head(rule=rules.rule, held_out=rules.held_out, held_out_classes=classes, made=made)
    return SplitFile.of(split, corpus=corpus, head=head)


def _published(rules: RuleOptions, manifest: Manifest, *, test: tuple[str, ...]) -> Published:
    validation = read_classes(rules.validation_classes)
    others = tuple(name for name in manifest.labels if name not in {*test, *validation})
    return Published(
        gallery=rules.gallery_domain,
        seen=rules.seen_domain,
        held_out=rules.held_out[0] if rules.held_out else None,
        train=read_classes(rules.train_classes) if rules.train_classes else others,
        validation=validation,
        test=test,
    )
