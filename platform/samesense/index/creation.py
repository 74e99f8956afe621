"""How a collection comes to be, step by step, so that a creation cut short can be completed."""

from samesense.core.errors import StoreError
from samesense.index.catalogue import describe
from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import PROPERTY, Contents
from samesense.index.options import IndexOptions
from samesense.index.schema import collection_schema, index_params


def create(connection: Connection, contents: Contents, *, options: IndexOptions) -> Collection:
    """Return the collection for ``contents``, created with its index where it is not there.

    Raises:
        StoreError: if a collection of that name holds something else.
    """
    name = contents.name
    connection.ask(f"creating {name}", lambda: _create(connection, contents, options))
    found = describe(connection, name)
    if found is None or not contents.fits(found):
        raise StoreError(
            f"{connection.shown}: collection {name} is there, but holds {found}, not {contents}: "
            "drop it, or choose another name for the index"
        )
    collection = Collection(contents=found, connection=connection)
    collection.load()  # empty, it loads at once; full, it takes a server seconds
    return collection


def _create(connection: Connection, contents: Contents, options: IndexOptions) -> None:
    client, name = connection.client, contents.name
    if not client.has_collection(name, timeout=REQUEST_TIMEOUT_S):
        client.create_collection(
            name,
            schema=collection_schema(width=contents.width),
            properties={PROPERTY: contents.to_property()},
            consistency_level="Strong",
            timeout=REQUEST_TIMEOUT_S,
        )
    if not client.list_indexes(name, timeout=REQUEST_TIMEOUT_S):
        client.create_index(name, index_params(options), timeout=REQUEST_TIMEOUT_S)
