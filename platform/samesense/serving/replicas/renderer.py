"""Decoding and rendering: any number of processes without weights."""

import asyncio
from collections.abc import Sequence

from samesense.serving.items import Picture, Text
from samesense.serving.options import LimitOptions
from samesense.serving.rendering import Renderings, render


class Renderer:
    """Renders items for whichever model the caller asks."""

    def __init__(self, limits: LimitOptions) -> None:
        """Refuse what is over these limits."""
        self.limits = limits

    async def render(
        self, items: Sequence[Text | Picture], params: Sequence[str], model: str
    ) -> Renderings:
        """Render items for the model in a folder; a bad item becomes its refusal."""
        return await asyncio.to_thread(
            render, items, params=params, model=model, limits=self.limits
        )
