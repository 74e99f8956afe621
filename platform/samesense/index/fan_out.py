"""One question to the collections of many domains at once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from samesense.core.errors import NotServedError, did_you_mean
from samesense.index.collection import Collection
from samesense.index.connection import Connection
from samesense.index.releases import Release

T = TypeVar("T")


def choose(
    release: Release, connection: Connection, *, domains: Sequence[str] | None
) -> dict[str, Collection]:
    """Return a release's collections by domain, of these domains or of all.

    Raises:
        NotServedError: if a domain is unknown, or none is asked for.
    """
    served = {one.domain: Collection(one, connection) for one in release.contents}
    if domains is None:
        return served
    unknown = [domain for domain in domains if domain not in served]
    if unknown or not domains:
        asked = f"no domain '{unknown[0]}'" if unknown else "no domain asked for"
        hint = did_you_mean(unknown[0], served) if unknown else ""
        raise NotServedError(
            f"{connection.shown}: index '{release.index}': {asked} "
            f"(has: {', '.join(served)}).{hint}"
        )
    return {domain: served[domain] for domain in dict.fromkeys(domains)}


def ask_all(chosen: Mapping[str, Collection], ask: Callable[[Collection], T]) -> dict[str, T]:
    """Return what each domain answers, all of them asked at the same time."""
    with ThreadPoolExecutor(max_workers=len(chosen)) as pool:
        return dict(zip(chosen, pool.map(ask, chosen.values()), strict=True))
