"""What a request sets going among the deployments, without a word of HTTP.

Shapes: N inputs, P parts of an input, D width.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from samesense.core.errors import did_you_mean
from samesense.serving.asking import ask
from samesense.serving.embedding import Description
from samesense.serving.errors import ApiError, bad_request, not_found
from samesense.serving.fetch import Fetcher
from samesense.serving.forms.asked import Asked, Embedded, Part
from samesense.serving.forms.search import SearchRequest
from samesense.serving.items import Address, Picture
from samesense.serving.options import ServeOptions
from samesense.serving.replicas.searcher import Tile
from samesense.serving.served_model import Encoded, ServedModel

INDEXES_AGE_S = 5.0
MISSED_AGE_S = 30.0
NOT_LISTED: tuple[float, list[dict[str, Any]]] = (-np.inf, [])
Seconds = dict[str, float]


class Service:
    """Embeds and searches by calling the deployments."""

    def __init__(
        self,
        options: ServeOptions,
        *,
        models: Mapping[str, ServedModel],
        searcher: Any,
    ) -> None:
        """Embed by these models, search by a deployment."""
        self.options = options
        self._models, self._searcher = dict(models), searcher
        self._indexes = NOT_LISTED
        self._missed_s: dict[str, float] = {}
        self._fetcher: Fetcher | None = None

    async def embed(self, asked: Asked) -> Embedded:
        """Return one vector for each input.

        Raises:
            ApiError: 404 for an unknown model, or what is wrong with an item.
        """
        name = self._name(asked.model)
        encoded = await self._encode(name, [part for parts in asked.inputs for part in parts], {})
        sizes = np.cumsum([len(parts) for parts in asked.inputs])[:-1]
        return Embedded(
            model=name,
            fingerprint=encoded.description.fingerprint,
            z_ND=np.stack([_mean(z_PD) for z_PD in np.split(encoded.z_ND, sizes)]),
            tokens=encoded.tokens,
        )

    async def search(self, request: SearchRequest, files: Sequence[bytes]) -> dict[str, Any]:
        """Return the hits of a query, and what each step took.

        Raises:
            ApiError: 404 for an unknown index, model, domain or item, 409 if query and index are
                of different models, or what is wrong with the query.
        """
        request.check(limits=self.options.limits)
        parts = request.parts(files, limits=self.options.limits)
        index = await self.index(request.index)
        try:
            return await self._search(request, parts, index)
        except ApiError as refusal:
            if refusal.status != 404:
                raise
            # What was listed a moment ago may not be there any more.
            self._indexes = NOT_LISTED
            listed = await self.index(request.index)
            if listed == index:
                raise
        return await self._search(request, parts, listed)

    async def _search(
        self, request: SearchRequest, parts: Sequence[Part], index: dict[str, Any]
    ) -> dict[str, Any]:
        wanted = request.wanted(domains=[domain["name"] for domain in index["domains"]])
        seconds: Seconds = {}
        model, z_D, fingerprint = await self._query_vector(request, parts, index, seconds)
        if request.query.fingerprint not in (None, fingerprint):
            raise _other_model(fingerprint, told=str(request.query.fingerprint))
        found = await ask(self._searcher.search.remote, index["name"], z_D, fingerprint, wanted)
        timings = {name: round(1000 * s, 2) for name, s in (seconds | found.seconds).items()}
        answer = request.answer(found, index=index["name"], model=model, fingerprint=fingerprint)
        return answer | {"timings_ms": timings}

    async def models(self) -> list[tuple[str, Description]]:
        """Return the models that are served, by name."""
        return [(name, await model.describe(again=True)) for name, model in self._models.items()]

    async def indexes(self) -> list[dict[str, Any]]:
        """Return the indexes that are served, each with the name of the model that asks it."""
        asked_s, found = self._indexes
        if time.monotonic() - asked_s > INDEXES_AGE_S:
            found = await ask(self._searcher.indexes.remote)
            self._indexes = (time.monotonic(), found)
        await self._look_for({index["fingerprint"] for index in found})
        names = self._names()
        return [index | {"model": names.get(index["fingerprint"])} for index in found]

    async def index(self, name: str | None) -> dict[str, Any]:
        """Return one index, by default that of the service.

        Raises:
            ApiError: 404 if there is none of this name.
        """
        found = {index["name"]: index for index in await self.indexes()}
        name = name or self.options.index or next(iter(found), "")
        if name not in found:
            known = ", ".join(found) or "none"
            raise not_found(
                f"no index '{name}' is served (has: {known}).{did_you_mean(name, found)}",
                param="index",
            )
        return found[name]

    async def item(self, index: str | None, item: str) -> dict[str, Any]:
        """Return what is known of an item.

        Raises:
            ApiError: 404 if it is unknown.
        """
        name = (await self.index(index))["name"]
        found: dict[str, Any] = await ask(self._searcher.item.remote, name, item)
        return found

    async def picture(self, index: str | None, item: str, *, side_px: int) -> Tile:
        """Return a square JPEG of an item, or a grey one if its image cannot be read now.

        Raises:
            ApiError: 404 if it is unknown.
        """
        name = (await self.index(index))["name"]
        found: Tile = await ask(self._searcher.picture.remote, name, item, side_px)
        return found

    async def map(self, index: str, *, points: int) -> dict[str, Any]:
        """Return places in the plane of a sample of an index.

        Raises:
            ApiError: 404 if it is unknown.
        """
        name = (await self.index(index))["name"]
        found: dict[str, Any] = await ask(self._searcher.map.remote, name, points)
        return found

    async def ready(self) -> None:
        """Return when every model has answered once, and the index answers.

        Models that have no process when nobody asks are not woken again.

        Raises:
            ApiError: 503 if one does not.
        """
        for model in self._models.values():
            await model.describe()
        await ask(self._searcher.indexes.remote)

    def _names(self) -> dict[str, str]:
        """Fingerprint → name of the models that are known."""
        return {one.known.fingerprint: name for name, one in self._models.items() if one.known}

    async def _look_for(self, fingerprints: set[str]) -> None:
        """Ask which models are served if one is not known: it may have been changed meanwhile.

        One that is not served is looked for again after a while, so that models without a process
        are not woken by it at every request.
        """
        now = time.monotonic()
        unknown = {
            one
            for one in fingerprints - self._names().keys()
            if now - self._missed_s.get(one, -np.inf) > MISSED_AGE_S
        }
        if unknown:
            await self.models()
            self._missed_s |= dict.fromkeys(unknown - self._names().keys(), now)

    async def _query_vector(
        self, request: SearchRequest, parts: Sequence[Part], index: dict[str, Any], seconds: Seconds
    ) -> tuple[str | None, Any, str]:
        if request.query.item is not None:
            item = request.query.item
            kept = await ask(self._searcher.vector.remote, index["name"], item)
            return index["model"], kept.z_D, kept.fingerprint
        if request.query.vector is not None:
            fingerprint = request.query.fingerprint or index["fingerprint"]
            return None, _unit(request.query.vector), fingerprint
        name = self._name(request.model or index["model"], index=index)
        encoded = await self._encode(name, parts, seconds)
        return name, _mean(encoded.z_ND), encoded.description.fingerprint

    async def _encode(self, name: str, parts: Sequence[Part], seconds: Seconds) -> Encoded:
        with _timed(seconds, "fetch"):
            there = await asyncio.gather(*(self._at_hand(part) for part in parts))
        encoded = await self._models[name].embed(there)
        seconds |= encoded.seconds
        return encoded

    async def _at_hand(self, part: Part) -> Part:
        if not isinstance(part.item, Address):
            return part
        if self._fetcher is None:
            limit = self.options.limits.image.max_bytes
            self._fetcher = Fetcher(self.options.fetch, max_bytes=limit)
        return replace(
            part, item=Picture(await self._fetcher.fetch(part.item.url, param=part.param))
        )

    def _name(self, name: str | None, *, index: dict[str, Any] | None = None) -> str:
        if name is None and index is not None:
            raise ApiError(
                409,
                "fingerprint",
                f"index '{index['name']}' is of model {index['fingerprint'][:12]}, which is not "
                "served here: search it by one of its items, or serve that model",
                "index",
            )
        name = name or next(iter(self._models))
        if name not in self._models:
            known = ", ".join(self._models)
            raise not_found(
                f"no model '{name}' (has: {known}).{did_you_mean(name, self._models)}",
                param="model",
            )
        return name


def _mean(z_PD: Any) -> Any:
    """Return the normalised mean (D,) of an input's parts."""
    mean_D = z_PD.mean(axis=0)
    return (mean_D / max(float(np.linalg.norm(mean_D)), np.finfo(np.float32).tiny)).astype(
        np.float32
    )


def _other_model(fingerprint: str, *, told: str) -> ApiError:
    return ApiError(
        409,
        "fingerprint",
        f"query.fingerprint: the query's vector is of model {fingerprint[:12]}, not of {told[:12]}",
        "query.fingerprint",
    )


def _unit(vector: Sequence[float]) -> Any:
    """Return a caller's vector at length 1."""
    z_D = np.asarray(vector, dtype=np.float32)
    if not np.isfinite(z_D).all() or not np.any(z_D):
        raise bad_request("query.vector: it must be finite and not zero", param="query.vector")
    return z_D / np.linalg.norm(z_D)


@contextmanager
def _timed(seconds: Seconds, step: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - started
