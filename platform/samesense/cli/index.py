"""``samesense index``: what an index holds, and which model it serves."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from samesense.bulk.verify import Verified
    from samesense.index.store import Store

app = typer.Typer(
    help="Look into an index; build, verify, switch and retire its models.", no_args_is_help=True
)
INDEX = typer.Argument(help="Name of the index.")
MILVUS = typer.Option("runs/milvus.db", help="A local file, or the address of a Milvus server.")
KIND_BY_SETTING = {"": "flat", "ef": "hnsw", "nprobe": "ivf"}
SAMPLE = typer.Option(64, min=1, help="How many rows of each domain are looked at closely.")


@app.command("list")
def list_indexes(
    index: str | None = typer.Argument(None, help="Only this index."), milvus: str = MILVUS
) -> None:
    """List indexes: domains, models, rows, and what is in service.

    Example: `samesense index list --milvus http://localhost:19530`
    """
    from samesense.cli.columns import table
    from samesense.index.store import open_store

    with open_store(milvus, must_exist=True) as store:
        rows = [
            row for name in ([index] if index else store.indexes()) for row in _rows(store, name)
        ]
    print(
        table([["index", "domain", "model", "rows", "kind", "state", "folder"], *rows], right=(3,))
    )


@app.command()
def build(
    index: str = INDEX,
    vectors: Path = typer.Option(..., help="Folder of vectors that `embed` has exported."),
    milvus: str = MILVUS,
    kind: str | None = typer.Option(None, help="flat (exact; the default), hnsw or ivf."),
    overrides: list[str] = typer.Option(
        [], "--set", help="Set a parameter of the kind: `kind.links=32`; may be given again."
    ),
    switch: bool = typer.Option(False, "--switch", help="Serve them when all are written."),
) -> None:
    """Build an index from exported vectors: another server or kind of index, without a model.

    From images, `samesense embed --set switch=false` builds beside the model in service.

    Parameters of hnsw: `links` (M), `build_width` (efConstruction), `search_width` (ef); of ivf:
    `cells` (nlist), `probes` (nprobe).

    Example: `samesense index build photos --vectors OUT/vectors --kind hnsw --set kind.links=32`
    """
    from samesense.bulk.options import BuildJob
    from samesense.core.config import given_options

    given = given_options(None, kind=BuildJob, overrides=overrides, values={"kind.kind": kind})
    options = given.options.kind

    from samesense.bulk.load import load_vectors
    from samesense.index.store import open_store

    with open_store(milvus) as store:
        origin, rows = load_vectors(store, index, folder=vectors, options=options, switch=switch)
    for domain, count in rows.items():
        print(f"{domain:<24} {count:>10} rows")
    print(f"model  {origin.fingerprint[:12]}  {'in service' if switch else 'not in service yet'}")


@app.command()
def verify(
    index: str = INDEX,
    milvus: str = MILVUS,
    of: str | None = typer.Option(
        None, "--model", help="First digits of a model; default: served."
    ),
    out: Path | None = typer.Option(None, help="Folder `out` of the embedding job: its ledger."),
    corpus: str | None = typer.Option(None, help="The corpus of that job, as the job named it."),
    sample: int = SAMPLE,
    encode: bool = typer.Option(True, help="Encode the sample again and compare the vectors."),
    least_recall: float = typer.Option(0.9, help="Recall@10 below which the check fails."),
) -> None:
    """Check an index: rows against the ledger, vectors encoded again, recall against brute force.

    Ends with code 2 if anything is wrong.

    Example: `samesense index verify photos --out runs/embed --corpus photos/`
    """
    from samesense.artefact.folder import load_artefact
    from samesense.bulk.ledger import Ledger
    from samesense.bulk.options import owner
    from samesense.bulk.reconcile import told_by_domain
    from samesense.bulk.task import LEDGER
    from samesense.bulk.verify import verify_collection
    from samesense.core.errors import ConfigError, StoreError
    from samesense.index.store import open_store

    if (out is None) != (corpus is None):
        raise ConfigError("verify: --out and --corpus belong together")
    ledger = told_by_domain(Ledger(out / LEDGER)) if out else None
    with open_store(milvus, must_exist=True) as store:
        collections = store.of_model(index, of)
        encoder = load_artefact(collections[0].contents.model).encoder() if encode else None
        checked = [
            verify_collection(
                collection,
                encoder=encoder,
                ledger=ledger,
                corpus=owner(corpus or ""),
                sample=sample,
            )
            for collection in collections
        ]
    print(_checks(checked))
    faults = [fault for one in checked for fault in one.faults(least_recall=least_recall)]
    if faults:
        raise StoreError(*faults)
    print("verified")


@app.command()
def switch(
    index: str = INDEX,
    milvus: str = MILVUS,
    to: str | None = typer.Option(None, help="First digits of the model to serve."),
    back: bool = typer.Option(False, "--back", help="Undo the last switch."),
    force: bool = typer.Option(
        False, "--force", help="Also serve a model with far fewer rows than are served now."
    ),
) -> None:
    """Serve another model, all domains in one step; searches never see a mixture.

    A model that has less than nine tenths of a domain's rows in service is refused.

    Example: `samesense index switch photos --to 5ef94c7c82c4`
    """
    from samesense.core.errors import ConfigError
    from samesense.index.aliases import LEAST_SHARE
    from samesense.index.store import open_store

    if (to is None) != back:
        raise ConfigError("switch: give either --to MODEL or --back")
    least_share = 0.0 if force else LEAST_SHARE
    with open_store(milvus, must_exist=True) as store:
        if to is None:
            switched = store.switch_back(index)
        else:
            fingerprint = store.of_model(index, to)[0].contents.fingerprint
            switched = store.switch(index, fingerprint=fingerprint, least_share=least_share)
    for one in switched:
        print(f"{one.domain:<24} {one.previous or '-'} → {one.collection}")


@app.command()
def retire(
    index: str = INDEX,
    model: str = typer.Argument(help="First digits of the model."),
    milvus: str = MILVUS,
) -> None:
    """Delete all collections of a model that is not in service, for good.

    Example: `samesense index retire photos 5ef94c7c82c4`
    """
    from samesense.index.store import open_store

    with open_store(milvus, must_exist=True) as store:
        fingerprint = store.of_model(index, model)[0].contents.fingerprint
        for name in store.retire(index, fingerprint=fingerprint):
            print(f"deleted  {name}")


@app.command()
def withdraw(
    index: str = INDEX,
    domain: str = typer.Argument(help="The domain."),
    milvus: str = MILVUS,
) -> None:
    """Take a domain out of service; its collection stays.

    Example: `samesense index withdraw photos sketch`
    """
    from samesense.index.store import open_store

    with open_store(milvus, must_exist=True) as store:
        print(f"out of service  {store.withdraw(index, domain=domain)}")


@app.command()
def diff(
    index: str = INDEX,
    first: str = typer.Argument(help="First digits of a model."),
    second: str = typer.Argument(help="First digits of another."),
    milvus: str = MILVUS,
    sample: int = SAMPLE,
) -> None:
    """Compare two models of an index: rows, contents, and how many nearest neighbours they share.

    Example: `samesense index diff photos 5ef94c 8e12aa`
    """
    from samesense.bulk.diff import difference
    from samesense.cli.columns import table
    from samesense.index.store import open_store

    with open_store(milvus, must_exist=True) as store:
        one, other = (
            {found.contents.domain: found for found in store.of_model(index, model)}
            for model in (first, second)
        )
        found = [
            difference(domain, one.get(domain), other.get(domain), sample=sample)
            for domain in sorted({*one, *other})
        ]
    header = ["domain", f"only {first}", f"only {second}", "both", "changed", "same top 10"]
    rows = [
        [
            row.domain,
            *(str(n) for n in (row.only_first, row.only_second, row.both, row.changed)),
            _shown(row.overlap, ".0%"),
        ]
        for row in found
    ]
    print(table([header, *rows], right=range(1, 6)))


def _rows(store: "Store", index: str) -> "Iterator[list[str]]":
    release = store.release(index)
    served = {contents.name for contents in release.contents} if release else set()
    for found in store.collections(index):
        contents = found.contents
        yield [
            index,
            contents.domain,
            contents.fingerprint[:12],
            str(found.count()),
            KIND_BY_SETTING[next(iter(contents.search), "")],
            "in service" if found.name in served else "-",
            contents.model or "-",
        ]


def _checks(checked: "Sequence[Verified]") -> str:
    from samesense.cli.columns import table

    header = ["domain", "rows", "missing", "surplus", "encoded again", "changed", "worst cosine"]
    header.append("recall@10")
    rows = [
        [
            one.domain,
            str(one.rows),
            _shown(one.missing, "d"),
            _shown(one.surplus, "d"),
            str(one.encoded_again),
            str(one.changed),
            _shown(one.worst_cosine, ".5f"),
            _shown(one.recall, ".3f"),
        ]
        for one in checked
    ]
    return table([header, *rows], right=range(1, 8))


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
