"""Milvus behind a queue: searches, items and their pictures.

Shapes: D width.
"""

import asyncio
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from samesense.core.errors import NotServedError, OtherModelError, StoreError, WidthError
from samesense.corpus.decode import Rejected
from samesense.corpus.thumbnails import grey_tile, small_picture
from samesense.index.connection import is_server
from samesense.index.store import open_store
from samesense.metrics.projection import principal_plane, unit_square
from samesense.search.searcher import Answer, Searcher, Wanted
from samesense.serving.errors import ApiError, not_found

T = TypeVar("T")
JPEG_QUALITY = 85
PICTURES_KEPT, MAPS_KEPT = 2_000, 16


@dataclass(frozen=True)
class Vector:
    """The vector (D,) of an item of an index, and the model that gave it."""

    z_D: np.ndarray
    fingerprint: str


@dataclass(frozen=True)
class Tile:
    """A square JPEG of an item, or a grey one in its place."""

    jpeg: bytes
    is_picture: bool
    """Whether it is the item's own, which does not change."""


class _NoPictureError(Exception):
    """There is no picture at the moment, so none is kept."""

    def __init__(self, why: Rejected) -> None:
        super().__init__(why.reason)
        self.why = why


class SearcherReplica:
    """Holds one connection to Milvus, and for a local file the file itself."""

    def __init__(self, milvus: str, *, patience_s: float) -> None:
        """Open the index; a start and each search wait so long for a server that is down.

        Raises:
            StoreError: if there is none, or no server answers.
        """
        self._store = open_store(
            milvus, must_exist=True, patience_s=patience_s, start_patience_s=patience_s
        )
        self._holds_milvus = not is_server(milvus)
        self._searcher = Searcher(self._store)
        self._picture = lru_cache(maxsize=PICTURES_KEPT)(_jpeg)
        self._drawn = lru_cache(maxsize=MAPS_KEPT)(self._draw)

    async def search(
        self, index: str, z_D: np.ndarray, fingerprint: str, wanted: Wanted
    ) -> Answer | ApiError:
        """Return the hits of one query vector."""
        return await self._told(
            lambda: self._searcher.search(index, z_D=z_D, fingerprint=fingerprint, wanted=wanted)
        )

    async def indexes(self) -> list[dict[str, Any]] | ApiError:
        """Return every served index: its model, domains and their sizes."""
        return await self._told(self._indexes)

    async def vector(self, index: str, item: str) -> Vector | ApiError:
        """Return the vector of an item."""
        return await self._told(lambda: self._vector(index, item))

    async def item(self, index: str, item: str) -> dict[str, Any] | ApiError:
        """Return what is known of an item."""
        return await self._told(lambda: self._item(index, item))

    async def picture(self, index: str, item: str, side_px: int) -> Tile | ApiError:
        """Return a square JPEG of an item; a grey one if its image cannot be read now."""
        return await self._told(lambda: self._tile(self._item(index, item)["uri"], side_px))

    async def map(self, index: str, points: int) -> dict[str, Any] | ApiError:
        """Return the places in the plane of a sample of an index."""
        return await self._told(lambda: self._map(index, points))

    async def check_health(self) -> None:
        """Ask a local Milvus something small; another process in place of this one opens it anew.

        A server is another matter: while it is down, requests wait here.

        Raises:
            StoreError: if it does not answer.
        """
        if self._holds_milvus:
            await asyncio.to_thread(self._store.indexes)

    async def _told(self, work: Callable[[], T]) -> T | ApiError:
        """Work in a thread; return what is wrong as the refusal that a caller gets."""
        try:
            return await asyncio.to_thread(work)
        except ApiError as refusal:
            return refusal
        except NotServedError as error:
            return not_found(self._without_address(error))
        except OtherModelError as error:
            return ApiError(409, "fingerprint", self._without_address(error))
        except WidthError as error:
            return ApiError(422, "shape", self._without_address(error), "query.vector")
        except StoreError as error:
            return ApiError(503, "unavailable", self._without_address(error))

    def _without_address(self, error: StoreError) -> str:
        return str(error).removeprefix(f"{self._store.connection.shown}: ")

    def _indexes(self) -> list[dict[str, Any]]:
        found = []
        for name in self._store.indexes():
            if self._store.release(name) is not None:
                served = self._store.served(name)
                domains = [
                    {"name": one.domain, "count": one.count, "width": one.width} for one in served
                ]
                fingerprint = served[0].fingerprint
                found.append({"name": name, "fingerprint": fingerprint, "domains": domains})
        return found

    def _vector(self, index: str, item: str) -> Vector:
        for collection in self._store.of_model(index):
            vectors = collection.vectors([item])
            if item in vectors:
                return Vector(vectors[item], collection.contents.fingerprint)
        raise _unknown(index, item)

    def _item(self, index: str, item: str) -> dict[str, Any]:
        for collection in self._store.of_model(index):
            known = collection.known([item])
            if item in known:
                about = asdict(known[item])
                kept = {name: about[name] for name in ("uri", "label", "content_hash")}
                return {"id": item, "domain": collection.contents.domain, **kept}
        raise _unknown(index, item)

    def _tile(self, uri: str, side_px: int) -> Tile:
        try:
            return Tile(self._picture(uri, side_px), is_picture=True)
        except _NoPictureError as error:
            return Tile(_encoded(grey_tile(error.why, side_px=side_px)), is_picture=False)

    def _map(self, index: str, points: int) -> dict[str, Any]:
        sizes = tuple((c.name, c.count()) for c in self._store.of_model(index))
        return self._drawn(index, points, sizes)

    def _draw(self, index: str, points: int, sizes: tuple[tuple[str, int], ...]) -> dict[str, Any]:
        """Draw the map of an index as it is at these sizes of its collections."""
        collections = self._store.of_model(index)
        each = max(1, points // len(sizes))
        rows = [(c.contents.domain, row) for c in collections for row in c.sample(about=each)]
        z_ND = np.array([row["vector"] for _, row in rows], dtype=np.float32)
        at_N2 = unit_square(principal_plane(z_ND)[0])
        return {
            "index": index,
            "fingerprint": collections[0].contents.fingerprint,
            "points": [
                {
                    "id": row["id"],
                    "domain": domain,
                    "label": row["label"],
                    "x": round(float(x), 4),
                    "y": round(float(y), 4),
                }
                for (domain, row), (x, y) in zip(rows, at_N2, strict=True)
            ],
        }


def _jpeg(uri: str, side_px: int) -> bytes:
    found = small_picture(uri, side_px=side_px)
    if isinstance(found, Rejected):
        raise _NoPictureError(found)
    return _encoded(found)


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _unknown(index: str, item: str) -> ApiError:
    return not_found(f"index '{index}' has no item '{item}'", param="item")
