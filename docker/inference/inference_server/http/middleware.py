"""The request id: taken from the caller or made here, logged, and sent back."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pmscoring.base.request_id import new_request_id, request_id


class RequestId:
    """ASGI middleware that handles each request under its X-Request-ID."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the context variable that the log reads, and add the header to the response."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name = new_request_id(Headers(scope=scope).get("X-Request-ID", ""))
        request_id.set(name)

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        return await self.app(scope, receive, send_with_header)
