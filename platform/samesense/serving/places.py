"""How many requests are under way at once; one more is told to come back."""

from samesense.serving.errors import BUSY
from samesense.serving.guard import OPEN_PATHS, App, Message, Receive, Send

UNLIMITED = (*OPEN_PATHS, "/metrics")
"""Who watches the service is answered while it is busy."""


class Places:
    """An application that takes at most so many requests at once."""

    def __init__(self, app: App, *, places: int) -> None:
        """Stand before an application."""
        self.app, self._free = app, places

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            ApiError: 429 if all places are taken.
        """
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self.app(scope, receive, send)
            return
        if not self._free:
            raise BUSY
        self._free -= 1
        taken = True

        def leave() -> None:
            nonlocal taken
            self._free += taken
            taken = False

        async def send_leaving(message: Message) -> None:
            # Before the caller has all of the answer, since its next request may come at once.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                leave()
            await send(message)

        try:
            await self.app(scope, receive, send_leaving)
        finally:
            leave()
