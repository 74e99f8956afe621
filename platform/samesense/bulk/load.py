"""Exported vectors into an index: another server, or another kind of index, without a model."""

from pathlib import Path

import numpy as np

from samesense.bulk.commit import index_rows
from samesense.bulk.export import Origin, read_origin, read_vectors
from samesense.core.errors import StoreError
from samesense.core.progress import track_stream
from samesense.index.options import IndexOptions
from samesense.index.store import Store


def load_vectors(
    store: Store, index: str, *, folder: Path, options: IndexOptions, switch: bool
) -> tuple[Origin, dict[str, int]]:
    """Write the vectors of a folder into an index, and return their origin and rows a domain.

    Writing them again is harmless, so a load that was killed is started again.

    Raises:
        CorpusError: if the folder holds no exported vectors, or those of several models.
        StoreError: if the index refuses or does not keep what is written.
    """
    origin = read_origin(folder)
    collections, written = {}, dict[str, set[str]]()
    for part in track_stream(read_vectors(folder), what="load files"):
        domains = np.array([entry.domain for entry in part.entries])
        for domain in sorted(set(domains)):
            if domain not in collections:
                collections[domain] = store.build(
                    index,
                    domain=domain,
                    fingerprint=origin.fingerprint,
                    width=origin.width,
                    model=origin.model,
                    options=options,
                )
            ours = np.flatnonzero(domains == domain)
            entries = [part.entries[position] for position in ours]
            rows = index_rows(entries, part.z_ND[ours], corpus=origin.corpus)
            collections[domain].upsert(rows)
            written.setdefault(domain, set()).update(entry.id for entry in entries)
    for domain, ids in written.items():
        if (count := collections[domain].count()) < len(ids):
            raise StoreError(
                f"{collections[domain].name}: holds {count} rows of {len(ids)} that were written; "
                "run the same command again"
            )
    if switch:
        store.switch(index, fingerprint=origin.fingerprint)
    return origin, {domain: len(ids) for domain, ids in written.items()}
