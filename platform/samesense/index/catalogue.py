"""What a Milvus holds of ours: which collections exist, and which aliases."""

from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import SEPARATOR, Contents, from_properties, prefix


def index_names(connection: Connection) -> list[str]:
    """Return the names of all indexes that have a collection, sorted."""
    found = (describe(connection, name) for name in _collection_names(connection))
    return sorted({contents.index for contents in found if contents is not None})


def collections_of(
    connection: Connection, index: str, *, fingerprint: str | None = None
) -> list[Collection]:
    """Return an index's collections, of one model or all, ordered by domain and fingerprint."""
    names = [name for name in _collection_names(connection) if name.startswith(prefix(index))]
    found = (describe(connection, name) for name in names)
    ours = [contents for contents in found if contents is not None and contents.index == index]
    ours.sort(key=lambda contents: (contents.domain, contents.fingerprint))
    return [
        Collection(contents=contents, connection=connection)
        for contents in ours
        if fingerprint in (None, contents.fingerprint)
    ]


def describe(connection: Connection, name: str) -> Contents | None:
    """Return what a collection, or the one behind an alias, holds; None if it is not ours."""
    described = connection.ask(
        f"describing {name}",
        lambda: connection.client.describe_collection(name, timeout=REQUEST_TIMEOUT_S),
    )
    return from_properties(described["properties"])


def aliases_of(connection: Connection, index: str) -> list[str]:
    """Return the aliases of an index's domains."""
    begin = prefix(index)
    ours = (alias for alias in _aliases(connection) if alias.startswith(begin))
    return [alias for alias in ours if SEPARATOR not in alias.removeprefix(begin)]


def alias_target(connection: Connection, alias: str) -> str | None:
    """Return the name of the collection that an alias points to, or None if there is no alias."""
    if alias not in _aliases(connection):
        return None
    with connection.faults(f"describing alias {alias}"):
        described = connection.client.describe_alias(alias, timeout=REQUEST_TIMEOUT_S)
    return str(described["collection_name"])


def _aliases(connection: Connection) -> list[str]:
    return connection.ask(
        "listing aliases",
        lambda: list(connection.client.list_aliases(timeout=REQUEST_TIMEOUT_S)["aliases"]),
    )


def _collection_names(connection: Connection) -> list[str]:
    return connection.ask(
        "listing collections",
        lambda: list(connection.client.list_collections(timeout=REQUEST_TIMEOUT_S)),
    )
