"""A model behind a queue: forwards over the items of many calls, and a change of model.

Shapes: D width.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from samesense.serving.embedding import Description, Loaded
from samesense.serving.errors import ApiError
from samesense.serving.joining import Joining
from samesense.serving.options import ForwardOptions
from samesense.serving.rendering import Rendered, Renderings, renderer_of

KEPT_S = 60.0
"""How long a model stays after another has taken its place: requests under way end with it."""
GONE = ApiError(503, "unavailable", "the model was changed meanwhile; ask again")
ITEMS_PER_FORWARD = {"cuda": 32, "cpu": 8}
SMALL_PX = 32
STUCK_S = 300.0
"""How long a forward may take before the process counts as stuck."""
DOES_NOT_LOAD = "the model that was to follow does not load; the log of this part says why"
log = logging.getLogger(__name__)
Outcome = np.ndarray | ApiError
Asked = tuple[str, Rendered]
"""The fingerprint of the model that an item was rendered for, and the item."""


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


def items_per_forward(options: ForwardOptions, device: str) -> int:
    """Return how many items are encoded together at most, on a device unless options say so."""
    return options.items_per_forward or ITEMS_PER_FORWARD[torch.device(device).type]


class Embedder:
    """Holds one model, and for a while the one before it."""

    def __init__(self, options: ForwardOptions, device: str) -> None:
        """Prepare to hold a model; ``reconfigure`` loads it."""
        self.device = device
        self._items = items_per_forward(options, device)
        self._models: dict[str, Loaded] = {}
        self._current = ""
        self._thread = ThreadPoolExecutor(1)
        self._begun_s: float | None = None
        self._joined: Joining[Asked, Outcome] = Joining(
            self._encode, calls=1, items_per_call=self._items
        )
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        gc.freeze()  # libraries stay, and are not looked through for garbage

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
            kept = self._models[self._current]
            told = replace(kept.description, fault=DOES_NOT_LOAD)
            self._models[self._current] = replace(kept, description=told)
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
        outcomes = iter(await self._joined([(fingerprint, item) for item in good]))
        return Vectored(
            [next(outcomes) if isinstance(item, Rendered) else item for item in renderings.items],
            [item.tokens if isinstance(item, Rendered) else 0 for item in renderings.items],
            {"decode": renderings.seconds, "encode": time.perf_counter() - started},
        )

    async def check_health(self) -> None:
        """Make a small forward, unless one is under way: that may take its time, but not for ever.

        Raises:
            RuntimeError: if it gives no vector, or the one under way does not end.
        """
        if self._begun_s is not None:
            if time.monotonic() - self._begun_s > STUCK_S:
                raise RuntimeError(f"a forward has not ended for {STUCK_S:.0f} s")
            return
        loaded = self._models[self._current]
        modality = loaded.description.modalities[0]
        renderer = renderer_of(loaded.description.folder, modality)
        if renderer is None:
            raise RuntimeError("the model in use has no renderer")
        small = (
            renderer.prepare_texts(["health"])
            if modality == "text"
            else renderer.prepare_images([Image.new("RGB", (SMALL_PX, SMALL_PX))])
        )
        (found,) = await self._run(loaded, [Rendered.of(modality, small)])
        if isinstance(found, ApiError):
            raise RuntimeError("the model gives no vector")

    async def _encode(self, asked: Sequence[Asked]) -> list[Outcome]:
        outcomes: list[Outcome] = [GONE] * len(asked)
        for fingerprint in {fingerprint for fingerprint, _ in asked}:
            loaded = self._models.get(fingerprint)
            if loaded is None:  # it was let go of while these waited
                continue
            places = [place for place, (wanted, _) in enumerate(asked) if wanted == fingerprint]
            found = await self._run(loaded, [asked[place][1] for place in places])
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def _run(self, loaded: Loaded, items: Sequence[Rendered]) -> list[Outcome]:
        self._begun_s = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread,
                lambda: loaded.embed(items, items_per_forward=self._items),
            )
        finally:
            self._begun_s = None

    def _let_go(self, fingerprint: str) -> None:
        if fingerprint != self._current:
            self._models.pop(fingerprint, None)
