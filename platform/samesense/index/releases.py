"""Which model an index serves: one pointer, moved at once for all domains.

A release says which collections answer for an index, one a domain, all of one model. It is written
once, as the property of an empty collection of its own, and never changed. One alias of Milvus
points to the release in service. So a switch is one atomic step, a search reads one release and
cannot mix models, and going back is pointing to the release before.
"""

import json
import time
from dataclasses import asdict, dataclass

from pymilvus import DataType, MilvusClient

from samesense.core.errors import StoreError
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import Contents, prefix

PROPERTY = "samesense.release"
PART = "release__"
POINTER = f"{PART}current"
NUMBER_DIGITS = 6


@dataclass(frozen=True)
class Release:
    """The collections that answer for an index, all of one model."""

    index: str
    number: int
    previous: int | None
    """The number of the release that this one took the place of."""
    made_at_s: float
    """Seconds since 1970."""
    contents: tuple[Contents, ...]
    """What each collection holds, ordered by domain."""

    @property
    def name(self) -> str:
        """Its name in Milvus."""
        return _name(self.index, self.number)

    @property
    def fingerprint(self) -> str:
        """The model."""
        return self.contents[0].fingerprint

    @property
    def model(self) -> str:
        """Folder of the model when its collections were made; empty if unknown."""
        return self.contents[0].model

    @property
    def domains(self) -> list[str]:
        """The domains that it answers for."""
        return [contents.domain for contents in self.contents]


def current(connection: Connection, index: str) -> Release | None:
    """Return the release in service, or None if nothing is served."""
    return _read(connection, _pointer(index))


def releases(connection: Connection, index: str) -> list[Release]:
    """Return all releases of an index by their number."""
    with connection.faults("listing collections"):
        names = connection.client.list_collections(timeout=REQUEST_TIMEOUT_S)
    ours = [name for name in names if name.startswith(f"{prefix(index)}{PART}")]
    found = [_read(connection, name) for name in ours]
    known = [release for release in found if release is not None and release.index == index]
    return sorted(known, key=lambda release: release.number)


def publish(connection: Connection, index: str, contents: list[Contents]) -> Release:
    """Write a release of these collections; it is in service when it is pointed to.

    Raises:
        StoreError: if Milvus refuses, or another process publishes at the same moment.
    """
    now = current(connection, index)
    there = releases(connection, index)
    release = Release(
        index=index,
        number=max((one.number for one in there), default=0) + 1,
        previous=now.number if now else None,
        made_at_s=time.time(),
        contents=tuple(sorted(contents, key=lambda one: one.domain)),
    )
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    with connection.faults(f"publishing {release.name}"):
        connection.client.create_collection(
            release.name,
            schema=schema,
            properties={PROPERTY: json.dumps(asdict(release))},
            timeout=REQUEST_TIMEOUT_S,
        )
    return release


def point(connection: Connection, release: Release) -> None:
    """Put a release into service, in place of the one that is: the atomic step of a switch."""
    alias = _pointer(release.index)
    is_new = current(connection, release.index) is None
    client = connection.client
    move = client.create_alias if is_new else client.alter_alias
    connection.ask(
        f"pointing {alias} at {release.name}",
        lambda: move(release.name, alias, timeout=REQUEST_TIMEOUT_S),
    )


def previous(connection: Connection, index: str) -> Release:
    """Return the release that the one in service took the place of.

    Raises:
        StoreError: if there is none, or it was retired.
    """
    now = current(connection, index)
    number = now.previous if now else None
    found = [one for one in releases(connection, index) if one.number == number]
    if not found:
        why = "it is the first" if number is None else "the one before was retired"
        raise StoreError(
            f"{connection.shown}: index '{index}': no release to go back to: {why}; "
            "`samesense index list` shows what there is"
        )
    return found[0]


def remove(connection: Connection, release: Release) -> None:
    """Remove a release that is not in service; its collections stay."""
    with connection.faults(f"removing {release.name}"):
        connection.client.drop_collection(release.name, timeout=REQUEST_TIMEOUT_S)


def withdraw(connection: Connection, index: str) -> None:
    """Serve an index no longer; its releases and collections stay."""
    with connection.faults(f"dropping {_pointer(index)}"):
        connection.client.drop_alias(_pointer(index), timeout=REQUEST_TIMEOUT_S)


def _read(connection: Connection, name: str) -> Release | None:
    """Return the release behind the name of a collection or alias, or None if there is none."""
    client = connection.client

    def describe() -> dict[str, str]:
        if not client.has_collection(name, timeout=REQUEST_TIMEOUT_S):
            return {}
        properties: dict[str, str] = client.describe_collection(name, timeout=REQUEST_TIMEOUT_S)[
            "properties"
        ]
        return properties

    stored = connection.ask(f"describing {name}", describe).get(PROPERTY)
    if not stored:
        return None
    told = json.loads(stored)
    told["contents"] = tuple(Contents(**one) for one in told["contents"])
    return Release(**told)


def _name(index: str, number: int) -> str:
    return f"{prefix(index)}{PART}{number:0{NUMBER_DIGITS}d}"


def _pointer(index: str) -> str:
    return f"{prefix(index)}{POINTER}"
