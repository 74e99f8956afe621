"""What a Milvus holds of ours: which collections exist, and which of them are served."""

from samesense.core.errors import IndexFault, did_you_mean
from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import Contents, from_properties, prefix


def index_names(connection: Connection) -> list[str]:
    """Return the names of all indexes that have a collection, sorted."""
    found = (describe(connection, name) for name in _collection_names(connection))
    return sorted({contents.index for contents in found if contents is not None})


def collections_of(connection: Connection, index: str) -> list[Collection]:
    """Return all collections of an index, served or not, ordered by domain and fingerprint."""
    found = (
        describe(connection, name)
        for name in _collection_names(connection)
        if name.startswith(prefix(index))
    )
    ours = [contents for contents in found if contents is not None and contents.index == index]
    ours.sort(key=lambda contents: (contents.domain, contents.fingerprint))
    return [Collection(contents=contents, connection=connection) for contents in ours]


def served_collections(connection: Connection, index: str) -> dict[str, Collection]:
    """Return the collection behind the alias of each domain, ordered by domain.

    Raises:
        IndexFault: if nothing of that index is served; the message names the nearest index.
    """
    with connection.faults("listing aliases"):
        aliases = connection.client.list_aliases(timeout=REQUEST_TIMEOUT_S)["aliases"]
    served = {}
    for alias in aliases:
        contents = _behind(connection, alias) if alias.startswith(prefix(index)) else None
        if contents is not None and contents.index == index and contents.alias == alias:
            served[contents.domain] = Collection(contents=contents, connection=connection)
    if not served:
        known = index_names(connection)
        built = " Its collections are built but not switched to yet." if index in known else ""
        raise IndexFault(
            f"{connection.shown}: no index '{index}' is served (has: {', '.join(known) or 'none'})."
            + (built or did_you_mean(index, known))
        )
    return dict(sorted(served.items()))


def describe(connection: Connection, name: str) -> Contents | None:
    """Return what a collection or an alias leads to, or None if it is not one of ours."""
    with connection.faults(f"describing {name}"):
        described = connection.client.describe_collection(name, timeout=REQUEST_TIMEOUT_S)
    return from_properties(described["properties"])


def alias_target(connection: Connection, alias: str) -> str | None:
    """Return the name of the collection that an alias points to, or None if there is no alias."""
    with connection.faults("listing aliases"):
        if alias not in connection.client.list_aliases(timeout=REQUEST_TIMEOUT_S)["aliases"]:
            return None
        described = connection.client.describe_alias(alias, timeout=REQUEST_TIMEOUT_S)
    return str(described["collection_name"])


def _behind(connection: Connection, alias: str) -> Contents | None:
    target = alias_target(connection, alias)
    return describe(connection, target) if target is not None else None


def _collection_names(connection: Connection) -> list[str]:
    with connection.faults("listing collections"):
        return sorted(connection.client.list_collections(timeout=REQUEST_TIMEOUT_S))
