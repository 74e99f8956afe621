"""A model as the front reaches it: through the renderer, to the processes that hold it.

Shapes: N items, D width.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samesense.encoder.encoder import Vectors
from samesense.serving.asking import TRIES, WAIT_S, ask
from samesense.serving.embedding import Description
from samesense.serving.errors import GONE, ApiError
from samesense.serving.forms.asked import Part
from samesense.serving.joining import Joining
from samesense.serving.replicas.embedder import Moved, Vectored

Handle = Any


@dataclass(frozen=True)
class Capacity:
    """What the processes behind a model can do at the same time, when there are most of them."""

    renderers: int
    embedders: int
    items_per_forward: int
    wait_s: float

    @property
    def calls(self) -> int:
        """Calls under way: each renderer has one, each embedder one in hand and one that waits."""
        return self.renderers + 2 * self.embedders

    @property
    def small_calls(self) -> int:
        """Calls under way beyond which no process is idle, so that one more had better be full."""
        return max(self.renderers, self.embedders)


@dataclass(frozen=True)
class Encoded:
    """Vectors (N, D) of items, by one model, the tokens that it read, and what it took."""

    z_ND: Vectors
    description: Description
    tokens: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class _Encoded:
    """The same of one item, as a part of a call."""

    z_D: np.ndarray
    description: Description
    tokens: int
    seconds: dict[str, float]


class ServedModel:
    """Embeds the items of many requests in joined calls."""

    def __init__(self, renderer: Handle, embedder: Handle, capacity: Capacity) -> None:
        """Keep the processes busy, with calls that grow with the load."""
        self._renderer, self._embedder = renderer, embedder
        self._joined: Joining[Part, _Encoded | ApiError] = Joining(
            self._encode,
            calls=capacity.calls,
            small_calls=capacity.small_calls,
            items_per_call=capacity.items_per_forward,
            wait_s=capacity.wait_s,
        )
        self._description: Description | None = None

    @property
    def known(self) -> Description | None:
        """What was last heard of the model."""
        return self._description

    async def describe(self, *, again: bool = False) -> Description:
        """Return what the processes say of the model.

        Raises:
            ApiError: 503 if none answers.
        """
        if again or self._description is None:
            self._description = await ask(self._embedder.describe.remote)
        return self._description

    async def embed(self, items: Sequence[Part]) -> Encoded:
        """Return the vectors of a request's parts, at hand by now, all by the same model.

        Raises:
            ApiError: what is wrong with the first item that gives no vector.
        """
        for _ in range(TRIES):
            found: list[_Encoded] = []
            for one in await self._joined(items):
                if isinstance(one, ApiError):
                    raise one
                found.append(one)
            if len({one.description.fingerprint for one in found}) == 1:
                return Encoded(
                    np.stack([one.z_D for one in found]),
                    found[0].description,
                    sum(one.tokens for one in found),
                    found[-1].seconds,
                )
        raise GONE

    async def _encode(self, items: Sequence[Part]) -> list[_Encoded | ApiError]:
        for _ in range(TRIES):
            description = await self.describe()
            found = await ask(self._once, items, description)
            if isinstance(found, Moved):
                self._description = found.description
                await asyncio.sleep(WAIT_S)
                continue
            return [
                one
                if isinstance(one, ApiError)
                else _Encoded(one, description, tokens, found.seconds)
                for one, tokens in zip(found.items, found.tokens, strict=True)
            ]
        raise GONE

    async def _once(self, items: Sequence[Part], description: Description) -> Vectored | Moved:
        # The tensors go from renderer to embedder, past this process.
        rendered = self._renderer.render.remote(
            [one.item for one in items], [one.param for one in items], description.folder
        )
        found: Vectored | Moved = await self._embedder.embed.remote(
            rendered, description.fingerprint
        )
        return found
