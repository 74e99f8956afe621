"""Which collections are served: aliases are switched, retired, and guarded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from samesense.core.errors import StoreError, did_you_mean
from samesense.index.catalogue import alias_target, collections_of, served_collections
from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection


@dataclass(frozen=True)
class Switched:
    """One alias after a switch; ``previous`` is the collection it left, if there was one."""

    domain: str
    collection: str
    previous: str | None


def switch(connection: Connection, index: str, *, fingerprint: str) -> list[Switched]:
    """Point the alias of every domain that a model has built at that model's collection.

    Raises:
        StoreError: and nothing is changed, if a domain that is served lacks such a collection.
    """
    built = {
        collection.contents.domain: collection
        for collection in collections_of(connection, index)
        if collection.contents.fingerprint == fingerprint
    }
    if not built:
        raise StoreError(
            f"{connection.shown}: index '{index}' has no collection of model {fingerprint[:12]}: "
            "build it first"
        )
    lacking = [domain for domain in served_collections(connection, index) if domain not in built]
    if lacking:
        raise StoreError(
            f"{connection.shown}: index '{index}' also serves {', '.join(lacking)}, of which "
            f"model {fingerprint[:12]} has no collection: build them too, or retire them"
        )
    with ThreadPoolExecutor(max_workers=len(built)) as pool:
        list(pool.map(Collection.settle, built.values()))
    return [_point(connection, collection) for collection in built.values()]


def retire(connection: Connection, index: str, *, domain: str) -> str:
    """Serve a domain no longer, and return the name of the collection that it had.

    Raises:
        StoreError: if the domain is not served.
    """
    served = served_collections(connection, index)
    if domain not in served:
        raise StoreError(
            f"{connection.shown}: index '{index}' serves no domain '{domain}' "
            f"(has: {', '.join(served) or 'none'}).{did_you_mean(domain, served)}"
        )
    alias = served[domain].contents.alias
    with connection.faults(f"retiring alias {alias}"):
        connection.client.drop_alias(alias, timeout=REQUEST_TIMEOUT_S)
    return served[domain].name


def drop(connection: Connection, collection: Collection) -> None:
    """Delete a collection and its rows for good.

    Raises:
        StoreError: if an alias points to it; Milvus Lite would drop it all the same.
    """
    name = collection.name
    with connection.faults(f"dropping {name}"):
        aliases = connection.client.list_aliases(name, timeout=REQUEST_TIMEOUT_S)["aliases"]
        if aliases:
            raise StoreError(
                f"{connection.shown}: collection {name} is served as {', '.join(aliases)}: "
                "switch to another model or retire the domain first"
            )
        connection.client.drop_collection(name, timeout=REQUEST_TIMEOUT_S)
    connection.loaded.discard(name)


def _point(connection: Connection, collection: Collection) -> Switched:
    name, alias = collection.name, collection.contents.alias
    previous = alias_target(connection, alias)
    with connection.faults(f"pointing {alias} at {name}"):
        if previous is None:
            connection.client.create_alias(name, alias, timeout=REQUEST_TIMEOUT_S)
        elif previous != name:
            connection.client.alter_alias(name, alias, timeout=REQUEST_TIMEOUT_S)
    return Switched(domain=collection.contents.domain, collection=name, previous=previous)
