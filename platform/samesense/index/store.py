"""The index: build collections beside those in use, switch aliases, search what is served.

One class stands for a local folder (Milvus Lite) and for a Milvus server; only the URI differs.

Shapes: Q queries, D width.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from samesense.core.errors import IndexFault, did_you_mean
from samesense.index.catalogue import (
    alias_target,
    collections_of,
    describe,
    index_names,
    served_collections,
)
from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection, connect
from samesense.index.naming import PROPERTY, Contents
from samesense.index.options import FlatIndex, HnswIndex
from samesense.index.rows import Hit
from samesense.index.schema import collection_schema, index_params

LOAD_TIMEOUT_S = 600


@dataclass(frozen=True)
class Served:
    """A domain as it is served: its collection, the model behind it, rows and width."""

    domain: str
    collection: str
    fingerprint: str
    count: int
    width: int


@dataclass(frozen=True)
class Switched:
    """One alias after a switch; ``previous`` is the collection it left, None if it is new."""

    domain: str
    collection: str
    previous: str | None


def open_store(uri: str) -> "Store":
    """Open the index at a path, a ``file://`` URI or the address of a Milvus server.

    Raises:
        IndexFault: if a local folder is owned by another process, or no server answers.
    """
    return Store(connect(uri))


class Store:
    """An open index. Use it as a context manager, or close it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._loaded: set[str] = set()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and, for a local folder, hand it back."""
        self.connection.close()

    def build(
        self,
        index: str,
        *,
        domain: str,
        fingerprint: str,
        width: int,
        options: FlatIndex | HnswIndex = FlatIndex(),
    ) -> Collection:
        """Return the collection of a domain and a model, created if it is not there.

        It is not served before ``switch``. An unfinished creation is completed.

        Raises:
            IndexFault: if the collection exists with another width or for another model.
        """
        search_width = options.search_width if isinstance(options, HnswIndex) else 0
        contents = Contents(index, domain, fingerprint, width, search_width)
        client, name = self.connection.client, contents.name
        with self.connection.faults(f"creating {name}"):
            if not client.has_collection(name, timeout=REQUEST_TIMEOUT_S):
                client.create_collection(
                    name,
                    schema=collection_schema(width=width),
                    properties={PROPERTY: contents.to_property()},
                    consistency_level="Strong",
                    timeout=REQUEST_TIMEOUT_S,
                )
            if not client.list_indexes(name, timeout=REQUEST_TIMEOUT_S):
                client.create_index(name, index_params(options), timeout=REQUEST_TIMEOUT_S)
        found = describe(self.connection, name)
        if found is None or (found.index, found.domain, found.fingerprint, found.width) != (
            index,
            domain,
            fingerprint,
            width,
        ):
            raise IndexFault(
                f"{self.connection.shown}: collection {name} is there but holds {found}, "
                f"not {contents}"
            )
        return self._load(Collection(contents=found, connection=self.connection))

    def collections(self, index: str) -> list[Collection]:
        """Return all collections of an index, served or not, ready to be read."""
        return [self._load(collection) for collection in collections_of(self.connection, index)]

    def switch(self, index: str, *, fingerprint: str) -> list[Switched]:
        """Serve the collections of a model: point the alias of each of its domains at them.

        Nothing changes unless every domain that is served now has a collection of that model, so
        that no search mixes models. A switch that was cut short is completed by another.

        Raises:
            IndexFault: naming the domains that lack a collection.
        """
        built = {
            collection.contents.domain: collection
            for collection in self.collections(index)
            if collection.contents.fingerprint == fingerprint
        }
        if not built:
            raise IndexFault(
                f"{self.connection.shown}: index '{index}' has no collection of model "
                f"{fingerprint[:12]}; build it first"
            )
        aliases = {domain: collection.contents.alias for domain, collection in built.items()}
        targets = {domain: alias_target(self.connection, alias) for domain, alias in aliases.items()}
        lacking = sorted(set(self._served_domains(index)) - set(built))
        if lacking:
            raise IndexFault(
                f"{self.connection.shown}: index '{index}' serves {', '.join(lacking)}, of which "
                f"model {fingerprint[:12]} has no collection; build them too, or retire them"
            )
        for collection in built.values():
            collection.count()
        return [
            self._point(collection, previous=targets[domain])
            for domain, collection in built.items()
        ]

    def served(self, index: str) -> list[Served]:
        """Return what is served of an index, ordered by domain.

        Raises:
            IndexFault: if nothing is.
        """
        return [
            Served(
                domain=domain,
                collection=collection.name,
                fingerprint=collection.contents.fingerprint,
                count=self._load(collection).count(),
                width=collection.contents.width,
            )
            for domain, collection in served_collections(self.connection, index).items()
        ]

    def indexes(self) -> list[str]:
        """Return the names of all indexes, sorted."""
        return index_names(self.connection)
