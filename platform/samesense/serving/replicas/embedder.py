"""A model behind a queue: forwards over the items of many calls, and a change of model.

Shapes: D width.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ray import serve

from samesense.serving.embedding import Description, Loaded
from samesense.serving.errors import ApiError
from samesense.serving.options import ForwardOptions
from samesense.serving.rendering import Rendered, Renderings, renderer_of

KEPT_S = 60.0
"""How long a model stays after another has taken its place: requests under way end with it."""
GONE = ApiError(503, "unavailable", "the model was changed meanwhile; ask again")
log = logging.getLogger(__name__)
Outcome = list[np.ndarray | ApiError]


@dataclass(frozen=True)
class Moved:
    """The model that was asked for is not here any more; this one is."""

    description: Description


@dataclass(frozen=True)
class Vectored:
    """Vectors (D,) of a call's items, or refusals, and what the call took."""

    items: list[np.ndarray | ApiError]
    tokens: list[int]
    """How many the model has read for each."""
    seconds: dict[str, float]


class Embedder:
    """Holds one model, and for a while the one before it."""

    def __init__(self, options: ForwardOptions, device: str) -> None:
        """Prepare to hold a model; ``reconfigure`` loads it."""
        self.options, self.device = options, device
        self._models: dict[str, Loaded] = {}
        self._current = ""
        # One thread, so that forwards follow each other and a stuck one fails the health check.
        self._forwards = ThreadPoolExecutor(1)
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        self._together.set_max_batch_size(options.items_per_forward)
        self._together.set_batch_wait_timeout_s(options.batch_wait_ms / 1000)

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Load the model in a folder beside the one in use, then take it into use.

        Raises:
            SamesenseError: if it does not load and there is none in use yet.
        """
        try:
            loaded = await asyncio.to_thread(
                Loaded.from_folder, config["folder"], device=self.device
            )
        except Exception:
            if not self._models:
                raise
            log.exception("%s does not load; the model in use stays", config["folder"])
            return
        before, self._current = self._current, loaded.description.fingerprint
        self._models[self._current] = loaded
        if before and before != self._current:
            asyncio.get_running_loop().call_later(KEPT_S, self._let_go, before)

    async def describe(self) -> Description:
        """Return what callers know of the model in use."""
        return self._models[self._current].description

    async def embed(self, renderings: Renderings, fingerprint: str) -> Vectored | Moved:
        """Return the vectors of items that were rendered for a model.

        An item that has none is the refusal that tells why. If this process has another model, the
        answer says which.
        """
        if fingerprint not in self._models:
            return Moved(await self.describe())
        started = time.perf_counter()
        good = [item for item in renderings.items if isinstance(item, Rendered)]
        outcomes = iter(await self._together((fingerprint, good)) if good else [])
        return Vectored(
            [next(outcomes) if isinstance(item, Rendered) else item for item in renderings.items],
            [item.tokens if isinstance(item, Rendered) else 0 for item in renderings.items],
            {"decode": renderings.seconds, "encode": time.perf_counter() - started},
        )

    async def check_health(self) -> None:
        """Make a small forward behind those that are under way.

        Raises:
            RuntimeError: if it gives no vector.
        """
        loaded = self._models[self._current]
        if "text" not in loaded.description.modalities:
            return
        renderer = renderer_of(loaded.description.folder, "text")
        if renderer is None:
            return
        item = Rendered.of("text", renderer.prepare_texts(["health"]))
        (found,) = await self._run(loaded, [[item]])
        if isinstance(found[0], ApiError):
            raise RuntimeError("the model gives no vector")

    @serve.batch  # type: ignore[untyped-decorator]
    async def _together(self, requests: list[tuple[str, list[Rendered]]]) -> list[Outcome]:
        outcomes: list[Outcome] = [[] for _ in requests]
        for fingerprint in {fingerprint for fingerprint, _ in requests}:
            places = [n for n, (wanted, _) in enumerate(requests) if wanted == fingerprint]
            loaded = self._models.get(fingerprint)
            if loaded is None:  # it was let go of while these waited
                found: list[Outcome] = [[GONE]] * len(places)
            else:
                found = await self._run(loaded, [requests[place][1] for place in places])
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _run(self, loaded: Loaded, requests: Sequence[Sequence[Rendered]]) -> list[Outcome]:
        return await asyncio.get_running_loop().run_in_executor(
            self._forwards,
            lambda: loaded.embed(requests, items_per_forward=self.options.items_per_forward),
        )

    def _let_go(self, fingerprint: str) -> None:
        if fingerprint != self._current:
            self._models.pop(fingerprint, None)
