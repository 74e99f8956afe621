"""The index: build collections beside those in use, switch to them, search what is served.

One class stands for a local folder (Milvus Lite) and for a Milvus server; only the URI differs.

Shapes: Q queries, D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from samesense.core.errors import NotServedError, OtherModelError, StoreError, did_you_mean
from samesense.index import aliases, releases
from samesense.index.aliases import LEAST_SHARE, Switched
from samesense.index.catalogue import collections_of, index_names
from samesense.index.collection import Collection
from samesense.index.connection import PATIENCE_S, Connection, connect
from samesense.index.creation import create
from samesense.index.fan_out import ask_all, choose
from samesense.index.naming import Contents
from samesense.index.options import FlatIndex, IndexOptions
from samesense.index.releases import Release
from samesense.index.rows import Hit
from samesense.index.schema import search_settings


@dataclass(frozen=True)
class Served:
    """A domain as it is served: its collection, the model behind it, rows and width."""

    domain: str
    collection: str
    fingerprint: str
    count: int
    width: int


def open_store(
    uri: str,
    *,
    must_exist: bool = False,
    patience_s: float = PATIENCE_S,
    start_patience_s: float = 0.0,
) -> "Store":
    """Open the index at a path, a ``file://`` URI or the address of a Milvus server.

    A local folder that is not there is made, unless it must exist: those who only read say so. A
    server that restarts is waited for, as long as patience lasts; one that is not there at the
    start is an error at once, unless ``start_patience_s`` is given.

    Raises:
        StoreError: if a local folder is owned by another process, or no server answers, or there
            is none where one must be.
    """
    return Store(
        connect(
            uri, must_exist=must_exist, patience_s=patience_s, start_patience_s=start_patience_s
        )
    )


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

    @property
    def address(self) -> str:
        """Where other processes of this machine open the same Milvus while this store is open."""
        return self.connection.address

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
        options: IndexOptions = FlatIndex(),
    ) -> Collection:
        """Return the collection of a domain and a model, created if it is not there.

        It is not served before ``switch``. A creation that was cut short is completed. ``model`` is
        the folder of the model, for those who search later.

        Raises:
            StoreError: if the collection is there with another width or of another model.
        """
        contents = Contents(index, domain, fingerprint, width, search_settings(options), model)
        return create(self.connection, contents, options=options)

    def collections(self, index: str, *, fingerprint: str | None = None) -> list[Collection]:
        """Return an index's collections, served or not, of one model or all, by domain."""
        return collections_of(self.connection, index, fingerprint=fingerprint)

    def switch(
        self, index: str, *, fingerprint: str, least_share: float = LEAST_SHARE
    ) -> list[Switched]:
        """Serve a model: all domains that it has built, in one step.

        Nothing changes unless every domain that is served now has a collection of that model, with
        at least ``least_share`` of the rows that are served; 0 takes whatever there is. A search
        sees the model before or this one, never both. A switch that was cut short is completed by
        another.

        Raises:
            StoreError: if nothing is built, or naming the served domains that are not, or that
                have too few rows.
        """
        return aliases.switch(
            self.connection, index, fingerprint=fingerprint, least_share=least_share
        )

    def check_switch(self, index: str, *, fingerprint: str) -> None:
        """Check that ``switch`` would find a collection for every domain that is served now.

        Raises:
            StoreError: naming those that are not built.
        """
        aliases.check_switch(self.connection, index, fingerprint=fingerprint)

    def switch_back(self, index: str) -> list[Switched]:
        """Undo the last switch: serve what was served before, in one step.

        Raises:
            StoreError: if there was nothing before, or it was retired.
        """
        return aliases.switch_back(self.connection, index)

    def withdraw(self, index: str, *, domain: str) -> str:
        """Serve a domain no longer; return the name of its collection, which stays.

        Raises:
            StoreError: if the domain is not served.
        """
        return aliases.withdraw(self.connection, index, domain=domain)

    def retire(self, index: str, *, fingerprint: str) -> list[str]:
        """Delete all that an index holds of a model; return the names of the collections.

        Raises:
            StoreError: if the model is served, or there is nothing of it.
        """
        return aliases.retire(self.connection, index, fingerprint=fingerprint)

    def release(self, index: str) -> Release | None:
        """Return what an index serves, or None if it serves nothing."""
        return releases.current(self.connection, index)

    def of_model(self, index: str, begins: str | None = None) -> list[Collection]:
        """Return the collections of one model, by domain.

        ``begins`` are the first digits of its fingerprint; by default it is the one in service.

        Raises:
            StoreError: if no model, or more than one, begins like that.
        """
        if begins is None:
            served = self._serving(index).contents
            return [Collection(contents, self.connection) for contents in served]
        collections = self.collections(index)
        known = sorted({found.contents.fingerprint for found in collections})
        fitting = [fingerprint for fingerprint in known if fingerprint.startswith(begins)]
        if len(fitting) != 1:
            what = "no model begins" if not fitting else f"{len(fitting)} models begin"
            has = ", ".join(fingerprint[:12] for fingerprint in known) or "none"
            raise StoreError(
                f"{self.connection.shown}: index '{index}': {what} with '{begins}' (has: {has})"
            )
        return [found for found in collections if found.contents.fingerprint == fitting[0]]

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
                domain=contents.domain,
                collection=contents.name,
                fingerprint=contents.fingerprint,
                count=Collection(contents, self.connection).count(),
                width=contents.width,
            )
            for contents in self._serving(index).contents
        ]

    def model_folder(self, index: str) -> str:
        """Return the folder of the model that an index was built with, as it was then.

        Raises:
            StoreError: if the index is not served, or was built without saying.
        """
        folder = self._serving(index).model
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
        labels: Sequence[str] = (),
    ) -> dict[str, list[list[Hit]]]:
        """Return, for each domain (default: all), the nearest rows of each query, best first.

        With ``labels`` only rows that carry one of them.

        ``fingerprint`` is that of the model that gave the queries; by default the one in service.
        Another model's newest release answers if it was not retired, so that a switch fails no
        search that is under way. All answers are of one release.

        Raises:
            NotServedError: if index or domain is unknown.
            OtherModelError: if nothing was ever served of the queries' model.
            StoreError: if width or limit do not fit, or Milvus does not answer.
        """

        def ask(found: Collection) -> list[list[Hit]]:
            return found.search(z_QD, limit=limit, labels=labels)

        release = self._answering(index, fingerprint=fingerprint)
        try:
            return ask_all(choose(release, self.connection, domains=domains), ask)
        except StoreError:
            again = self._answering(index, fingerprint=fingerprint)
            if again == release:
                raise
        # Between looking and searching, the release was retired.
        return ask_all(choose(again, self.connection, domains=domains), ask)

    def _serving(self, index: str) -> Release:
        release = releases.current(self.connection, index)
        if release is None:
            known = self.indexes()
            hint = did_you_mean(index, known)
            if index in known:
                hint = " Its collections are built, but none is switched to yet."
            raise NotServedError(
                f"{self.connection.shown}: no index '{index}' is served "
                f"(has: {', '.join(known) or 'none'}).{hint}"
            )
        return release

    def _answering(self, index: str, *, fingerprint: str | None) -> Release:
        """Return the release that answers queries of a model."""
        serving = self._serving(index)
        if fingerprint in (None, serving.fingerprint):
            return serving
        for release in reversed(releases.releases(self.connection, index)):
            if release.fingerprint == fingerprint:
                return release
        raise OtherModelError(
            f"{self.connection.shown}: index '{index}' is of model {serving.fingerprint[:12]}, the "
            f"query of model {str(fingerprint)[:12]}: search with the model that built the index, "
            "or embed the corpus with this one"
        )
