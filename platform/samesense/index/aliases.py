"""Switching between models: the pointer to a release, and the domains' aliases that follow it.

Searches of ours read the pointer alone. The aliases, one a domain, are for other tools.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from samesense.core.errors import StoreError, did_you_mean
from samesense.index import releases
from samesense.index.catalogue import alias_target, aliases_of, collections_of
from samesense.index.collection import Collection
from samesense.index.connection import REQUEST_TIMEOUT_S, Connection
from samesense.index.naming import Contents
from samesense.index.releases import Release

LEAST_SHARE = 0.9
"""Which share of a domain's rows in service a model must have to take over."""


@dataclass(frozen=True)
class Switched:
    """One domain after a switch; ``previous`` is the collection it left, if there was one."""

    domain: str
    collection: str
    previous: str | None


def check_switch(
    connection: Connection, index: str, *, fingerprint: str
) -> tuple[list[Collection], Release | None]:
    """Return what a model has built, and what is served now, if the one may follow the other.

    Raises:
        StoreError: if nothing is built, or a domain that is served is not.
    """
    built = collections_of(connection, index, fingerprint=fingerprint)
    if not built:
        raise StoreError(
            f"{connection.shown}: index '{index}' has no collection of model {fingerprint[:12]}: "
            "build it first"
        )
    now = releases.current(connection, index)
    domains = {collection.contents.domain for collection in built}
    lacking = [domain for domain in (now.domains if now else ()) if domain not in domains]
    if lacking:
        raise StoreError(
            f"{connection.shown}: index '{index}' also serves {', '.join(lacking)}, of which "
            f"model {fingerprint[:12]} has no collection: build them too, or take them out of "
            "service with `samesense index withdraw`"
        )
    return built, now


def switch(
    connection: Connection, index: str, *, fingerprint: str, least_share: float = LEAST_SHARE
) -> list[Switched]:
    """Serve all domains that a model has built from that model's collections.

    Raises:
        StoreError: and nothing is changed, if a domain that is served lacks such a collection, a
            collection has less than ``least_share`` of the rows that are served, or Milvus refuses.
    """
    built, now = check_switch(connection, index, fingerprint=fingerprint)
    if least_share > 0:
        _refuse_half_built(connection, built, now, least_share=least_share)
    with ThreadPoolExecutor(max_workers=len(built)) as pool:
        list(pool.map(Collection.settle, built))
    return _serve(connection, index, [collection.contents for collection in built], now)


def switch_back(connection: Connection, index: str) -> list[Switched]:
    """Serve the release that the one in service took the place of.

    Raises:
        StoreError: if there is none.
    """
    now, before = releases.current(connection, index), releases.previous(connection, index)
    return _move(connection, before, now)


def withdraw(connection: Connection, index: str, *, domain: str) -> str:
    """Serve a domain no longer, and return the name of the collection that it had.

    Raises:
        StoreError: if the domain is not served.
    """
    now = releases.current(connection, index)
    served = {one.domain: one for one in now.contents} if now else {}
    if domain not in served:
        raise StoreError(
            f"{connection.shown}: index '{index}' serves no domain '{domain}' "
            f"(has: {', '.join(served) or 'none'}).{did_you_mean(domain, served)}"
        )
    gone = served.pop(domain)
    if served:
        _serve(connection, index, list(served.values()), now)
    else:
        releases.withdraw(connection, index)
    _drop_alias(connection, gone.alias)
    return gone.name


def retire(connection: Connection, index: str, *, fingerprint: str) -> list[str]:
    """Delete a model's collections and releases for good, and return the collections' names.

    Raises:
        StoreError: if the model is in service, or has nothing here.
    """
    now = releases.current(connection, index)
    if now is not None and now.fingerprint == fingerprint:
        raise StoreError(
            f"{connection.shown}: index '{index}' serves model {fingerprint[:12]}: switch to "
            "another model first"
        )
    ours = collections_of(connection, index, fingerprint=fingerprint)
    if not ours:
        raise StoreError(
            f"{connection.shown}: index '{index}' has no collection of model {fingerprint[:12]}"
        )
    _refuse_served(connection, ours)
    for release in releases.releases(connection, index):
        if release.fingerprint == fingerprint:
            releases.remove(connection, release)
    for collection in ours:
        drop(connection, collection)
    return [collection.name for collection in ours]


def drop(connection: Connection, collection: Collection) -> None:
    """Delete a collection and its rows for good.

    Raises:
        StoreError: if it is served; Milvus Lite would drop it all the same.
    """
    _refuse_served(connection, [collection])
    with connection.faults(f"dropping {collection.name}"):
        connection.client.drop_collection(collection.name, timeout=REQUEST_TIMEOUT_S)
    connection.loaded.discard(collection.name)


def _refuse_half_built(
    connection: Connection, built: list[Collection], now: Release | None, *, least_share: float
) -> None:
    """Refuse collections that are empty, or have too few of the rows that are served now."""
    served = {one.domain: Collection(one, connection) for one in now.contents} if now else {}

    def few_rows(one: Collection) -> str:
        domain = one.contents.domain
        if domain in served and served[domain].name == one.name:
            return ""
        there = served[domain].count() if domain in served else 0
        count = one.count()
        is_few = count == 0 or count < least_share * there
        return f"{count} of '{domain}', where {there} are served" if is_few else ""

    with ThreadPoolExecutor(max_workers=len(built)) as pool:
        few = [told for told in pool.map(few_rows, built) if told]
    if few:
        contents = built[0].contents
        to = contents.fingerprint[:12]
        raise StoreError(
            f"{connection.shown}: index '{contents.index}': model {to} has few rows: "
            f"{'; '.join(few)}. Is it built to its end? Run its job to the end, or serve it all "
            f"the same: `samesense index switch {contents.index} --to {to} --force`"
        )


def _refuse_served(connection: Connection, collections: list[Collection]) -> None:
    for collection in collections:
        now = releases.current(connection, collection.contents.index)
        in_service = now is not None and collection.name in {one.name for one in now.contents}
        with connection.faults(f"looking for aliases of {collection.name}"):
            answer = connection.client.list_aliases(collection.name, timeout=REQUEST_TIMEOUT_S)
        if in_service or answer["aliases"]:
            known = ", ".join(answer["aliases"]) or f"a domain of '{collection.contents.index}'"
            raise StoreError(
                f"{connection.shown}: collection {collection.name} is served as {known}: "
                "switch to another model or withdraw the domain first"
            )


def _serve(
    connection: Connection, index: str, contents: list[Contents], now: Release | None
) -> list[Switched]:
    wanted = tuple(sorted(contents, key=lambda one: one.domain))
    if now is not None and now.contents == wanted:
        return _move(connection, now, now)
    return _move(connection, releases.publish(connection, index, contents), now)


def _move(connection: Connection, to: Release, now: Release | None) -> list[Switched]:
    """Point to a release and let the aliases follow; if one cannot, put all back."""
    before = {one.domain: one.name for one in now.contents} if now else {}
    try:
        if to != now:
            releases.point(connection, to)
        _follow(connection, to)
    except StoreError:
        if now is not None and to != now:
            releases.point(connection, now)
            _follow(connection, now)
        raise
    return [
        Switched(domain=one.domain, collection=one.name, previous=before.get(one.domain))
        for one in to.contents
    ]


def _follow(connection: Connection, release: Release) -> None:
    wanted = {one.alias: one.name for one in release.contents}
    for alias in aliases_of(connection, release.index):
        if alias not in wanted:
            _drop_alias(connection, alias)
    for alias, name in wanted.items():
        target = alias_target(connection, alias)
        if target == name:
            continue
        client = connection.client
        move = client.create_alias if target is None else client.alter_alias
        with connection.faults(f"pointing {alias} at {name}"):
            move(name, alias, timeout=REQUEST_TIMEOUT_S)


def _drop_alias(connection: Connection, alias: str) -> None:
    if alias_target(connection, alias) is not None:
        with connection.faults(f"dropping alias {alias}"):
            connection.client.drop_alias(alias, timeout=REQUEST_TIMEOUT_S)
