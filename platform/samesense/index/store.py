"""The index: build collections beside those in use, switch to them, search what is served.

One class stands for a local folder (Milvus Lite) and for a Milvus server; only the URI differs.

Shapes: Q queries, D width.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from samesense.core.errors import StoreError, did_you_mean
from samesense.index import aliases
from samesense.index.aliases import Switched
from samesense.index.catalogue import collections_of, index_names, served_collections
from samesense.index.collection import Collection
from samesense.index.connection import Connection, connect
from samesense.index.creation import create
from samesense.index.naming import Contents
from samesense.index.options import FlatIndex, HnswIndex
from samesense.index.rows import Hit


@dataclass(frozen=True)
class Served:
    """A domain as it is served: its collection, the model behind it, rows and width."""

    domain: str
    collection: str
    fingerprint: str
    count: int
    width: int


def open_store(uri: str, *, must_exist: bool = False) -> "Store":
    """Open the index at a path, a ``file://`` URI or the address of a Milvus server.

    A local folder that is not there is made, unless it must exist: those who only read say so.

    Raises:
        StoreError: if a local folder is owned by another process, or no server answers, or there
            is none where one must be.
    """
    return Store(connect(uri, must_exist=must_exist))


class Store:
    """An open index. Use it as a context manager, or close it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

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
        model: str = "",
        options: FlatIndex | HnswIndex = FlatIndex(),
    ) -> Collection:
        """Return the collection of a domain and a model, created if it is not there.

        It is not served before ``switch``. A creation that was cut short is completed. ``model`` is
        the folder of the model, for those who search later.

        Raises:
            StoreError: if the collection is there with another width or of another model.
        """
        search_width = options.search_width if isinstance(options, HnswIndex) else 0
        contents = Contents(index, domain, fingerprint, width, search_width, model)
        return create(self.connection, contents, options=options)

    def collections(self, index: str) -> list[Collection]:
        """Return all collections of an index, served or not, by domain and fingerprint."""
        return collections_of(self.connection, index)

    def switch(self, index: str, *, fingerprint: str) -> list[Switched]:
        """Serve a model: point the alias of each domain that it has built at its collection.

        Nothing changes unless every domain that is served now has a collection of that model, so
        that no search mixes models. A switch that was cut short is completed by another.

        Raises:
            StoreError: if nothing is built, or naming the served domains that are not.
        """
        return aliases.switch(self.connection, index, fingerprint=fingerprint)

    def retire(self, index: str, *, domain: str) -> str:
        """Serve a domain no longer; return the name of its collection, which stays.

        Raises:
            StoreError: if the domain is not served.
        """
        return aliases.retire(self.connection, index, domain=domain)

    def drop(self, collection: Collection) -> None:
        """Delete a collection for good.

        Raises:
            StoreError: if it is served.
        """
        aliases.drop(self.connection, collection)

    def served(self, index: str) -> list[Served]:
        """Return what is served of an index, ordered by domain.

        Raises:
            StoreError: if nothing is; the message names the nearest index.
        """
        return [
            Served(
                domain=domain,
                collection=collection.name,
                fingerprint=collection.contents.fingerprint,
                count=collection.count(),
                width=collection.contents.width,
            )
            for domain, collection in self._serving(index).items()
        ]

    def model_folder(self, index: str) -> str:
        """Return the folder of the model that an index was built with, as it was then.

        Raises:
            StoreError: if the index is not served, or was built without saying.
        """
        folder = next(iter(self._serving(index).values())).contents.model
        if not folder:
            raise StoreError(f"{self.connection.shown}: index '{index}' does not name its model")
        return folder

    def indexes(self) -> list[str]:
        """Return the names of all indexes, sorted."""
        return index_names(self.connection)

    def search(
        self,
        index: str,
        *,
        z_QD: npt.NDArray[np.float32],
        domains: Sequence[str] | None = None,
        limit: int = 10,
        fingerprint: str | None = None,
    ) -> dict[str, list[list[Hit]]]:
        """Return, for each domain (default: all), the nearest rows of each query, best first.

        ``fingerprint`` is that of the model that gave the queries.

        Raises:
            StoreError: if index or domain is unknown, if the domains are of different models, or of
                another model than the queries, or if width or limit do not fit.
        """
        chosen = self._choose(self._serving(index), index=index, domains=domains)
        self._check_models(chosen, index=index, fingerprint=fingerprint)
        with ThreadPoolExecutor(max_workers=len(chosen)) as pool:
            answers = pool.map(lambda found: found.search(z_QD, limit=limit), chosen.values())
            return dict(zip(chosen, answers, strict=True))

    def _serving(self, index: str) -> dict[str, Collection]:
        served = served_collections(self.connection, index)
        if not served:
            known = self.indexes()
            hint = did_you_mean(index, known)
            if index in known:
                hint = " Its collections are built, but none is switched to yet."
            raise StoreError(
                f"{self.connection.shown}: no index '{index}' is served "
                f"(has: {', '.join(known) or 'none'}).{hint}"
            )
        return served

    def _choose(
        self, served: dict[str, Collection], *, index: str, domains: Sequence[str] | None
    ) -> dict[str, Collection]:
        if domains is None:
            return served
        unknown = [domain for domain in domains if domain not in served]
        if unknown or not domains:
            asked = f"no domain '{unknown[0]}'" if unknown else "no domain asked for"
            hint = did_you_mean(unknown[0], served) if unknown else ""
            raise StoreError(
                f"{self.connection.shown}: index '{index}': {asked} "
                f"(has: {', '.join(served)}).{hint}"
            )
        return {domain: served[domain] for domain in dict.fromkeys(domains)}

    def _check_models(
        self, chosen: dict[str, Collection], *, index: str, fingerprint: str | None
    ) -> None:
        models = {domain: found.contents.fingerprint for domain, found in chosen.items()}
        if len(set(models.values())) > 1:
            shown = ", ".join(f"{domain}: {model[:12]}" for domain, model in models.items())
            raise StoreError(
                f"{self.connection.shown}: index '{index}' is between two models ({shown}): "
                "repeat the switch"
            )
        model = next(iter(models.values()))
        if fingerprint not in (None, model):
            raise StoreError(
                f"{self.connection.shown}: index '{index}' is of model {model[:12]}, the query of "
                f"model {str(fingerprint)[:12]}: search with the model that built the index, or "
                "embed the corpus with this one"
            )
